/** The part of a browser that draws. */
type Screen = { requestAnimationFrame(call: () => void): unknown };

/** How long a drawing may be due. */
const drawnMsMax = 200;

/** Calls `then` once, in a turn of its own after the drawing that is due. A page that is hidden is not drawn. */
export function afterDrawing(then: () => void): void {
  let isDone = false;
  const end = (): void => {
    if (!isDone) then();
    isDone = true;
  };
  (globalThis as unknown as Screen).requestAnimationFrame(() => setTimeout(end));
  setTimeout(end, drawnMsMax);
}
