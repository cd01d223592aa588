import { useEffect } from "react";
import type { Target } from "../client/index.ts";
import { useClient } from "../react/index.ts";
import { useSurface, type View } from "./surface.tsx";

/** Ctrl or ⌘ with K finds, Alt with an arrow goes to the next conversation, Escape goes back to the list. */
export function useShortcuts(target: Target | null, view: View): void {
  const client = useClient();
  const { root, open } = useSurface();
  useEffect(() => {
    if (view === "thread") return;
    const onKeyDown = (event: KeyboardEvent): void => {
      if (event.defaultPrevented || event.isComposing) return;
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
        event.preventDefault();
        root.querySelector<HTMLElement>("#new-to")?.focus();
      } else if (event.altKey && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
        event.preventDefault();
        const { conversations } = client.conversations.get();
        const at = conversations.findIndex(
          (one) => target !== null && ("with" in target ? one.with === target.with : one.id === target.conversation),
        );
        const next = conversations[at < 0 ? 0 : at + (event.key === "ArrowDown" ? 1 : -1)];
        if (next?.with) open({ with: next.with });
      } else if (event.key === "Escape" && target !== null && view === "full") {
        // The host may close what the chat is in by the same key.
        event.preventDefault();
        open(null);
        root.querySelector<HTMLElement>("#people .person[tabindex='0']")?.focus();
      }
    };
    const keys: EventTarget = root;
    const listener = (event: Event): void => onKeyDown(event as KeyboardEvent);
    keys.addEventListener("keydown", listener);
    return () => keys.removeEventListener("keydown", listener);
  }, [client, target, view, root, open]);
}
