import type { Thread } from "../client/api.ts";
import { whenSeen } from "../react/seen.ts";

/** The parts of a document that are used: the core has no types of it. */
type Element = {
  readonly isConnected: boolean;
  getAttribute(name: string): string | null;
  querySelectorAll(selector: string): Iterable<Element>;
};
type Observer = { observe(element: Element, options: { childList: true; subtree: true }): void; disconnect(): void };
type View = { readonly MutationObserver: new (call: () => void) => Observer };

/** Marks the messages below `root` as read when they are on screen, in a document that is visible and has the focus. Returns the function that ends this. */
export function markSeen(root: Element, thread: Thread): () => void {
  const watched = new Map<Element, () => void>();
  const look = (): void => {
    const { rows, own } = thread.state.get();
    const unread = new Map(
      rows.flatMap(({ key, seq, state }) =>
        state === "received" && seq !== null && seq > own.read ? [[key, seq]] : [],
      ),
    );
    for (const [element, forget] of watched)
      if (!element.isConnected) {
        forget();
        watched.delete(element);
      }
    const elements = unread.size === 0 ? [] : [...root.querySelectorAll("[data-message-id]")];
    for (const element of elements) {
      const seq = unread.get(element.getAttribute("data-message-id") ?? "");
      if (seq === undefined || watched.has(element)) continue;
      watched.set(
        element,
        whenSeen(element, () => thread.markRead(seq)),
      );
    }
  };
  // MUI draws its rows after it has got them.
  const observer = new (globalThis as unknown as View).MutationObserver(look);
  observer.observe(root, { childList: true, subtree: true });
  look();
  return () => {
    observer.disconnect();
    for (const forget of watched.values()) forget();
  };
}
