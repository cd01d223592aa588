import { useSyncExternalStore } from "react";

const addressEvents = ["popstate", "tidings-address"];

/** What the address asks for; renders again when it changes. */
export const useSearch = (): string => useSyncExternalStore(subscribeSearch, () => location.search);

function subscribeSearch(listener: () => void): () => void {
  for (const name of addressEvents) addEventListener(name, listener);
  return () => {
    for (const name of addressEvents) removeEventListener(name, listener);
  };
}

/** Goes to another address of the page, without loading it. */
export function navigate(href: string): void {
  if (location.pathname + location.search !== href) history.pushState(null, "", href);
  dispatchEvent(new Event("tidings-address"));
}
