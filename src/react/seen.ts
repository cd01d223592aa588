/** The parts of a browser that say what a person sees. */
type Entry = {
  readonly target: object;
  readonly isIntersecting: boolean;
  readonly intersectionRect: { readonly height: number };
  readonly boundingClientRect: { readonly height: number };
};
type Observer = { observe(element: object): void; unobserve(element: object): void };
type View = EventTarget & {
  readonly document: EventTarget & { readonly visibilityState: string; hasFocus(): boolean };
  readonly IntersectionObserver: new (call: (entries: Entry[]) => void, options: { threshold: number[] }) => Observer;
};

/** So much of a row, or all of it, has to be in sight. */
const seenPx = 48;
/** Rows may be many screens long: their visible part is asked for at each twentieth. */
const threshold = Array.from({ length: 21 }, (_, at) => at / 20);

const calls = new Map<object, () => void>();
const inSight = new Set<object>();
let observer: Observer | null = null;

/**
 * Calls `onSeen` once: when `element` is on screen, and the document is visible and has the focus. Returns the function that ends this.
 */
export function whenSeen(element: object, onSeen: () => void): () => void {
  const view = globalThis as unknown as View;
  observer ??= createObserver(view);
  calls.set(element, onSeen);
  observer.observe(element);
  return () => forget(element);
}

function createObserver(view: View): Observer {
  const check = (): void => {
    if (view.document.visibilityState !== "visible" || !view.document.hasFocus()) return;
    for (const element of [...inSight]) {
      const onSeen = calls.get(element);
      forget(element);
      onSeen?.();
    }
  };
  view.addEventListener("focus", check);
  view.document.addEventListener("visibilitychange", check);
  const take = (entries: readonly Entry[]): void => {
    for (const { target, isIntersecting, intersectionRect, boundingClientRect } of entries)
      // A pixel less: layouts have fractions of one.
      if (isIntersecting && intersectionRect.height >= Math.min(seenPx, boundingClientRect.height) - 1)
        inSight.add(target);
      else inSight.delete(target);
    check();
  };
  return new view.IntersectionObserver(take, { threshold });
}

function forget(element: object): void {
  calls.delete(element);
  inSight.delete(element);
  observer?.unobserve(element);
}
