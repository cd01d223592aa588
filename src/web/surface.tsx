import { createContext, createElement, type ReactNode, useContext, useEffect, useState } from "react";
import type { Target } from "../client/index.ts";
import type { DayNames } from "./day.ts";

/** The surroundings of the chat: a page of its own, or a host's page with an element in it. */
export type Surface = {
  /** What holds the chat, for the keys and the focus. */
  readonly root: Document | ShadowRoot;
  /** True: the chat is the page, with addresses of its own and the page's landmarks. */
  readonly isPage: boolean;
  readonly days: DayNames;
  /** The address of a conversation, or of the list; null: they have none. */
  readonly hrefOf: (target: Target | null) => string | null;
  /** Shows a conversation, or the list. */
  readonly open: (target: Target | null) => void;
  /** The address of the other user's side, where everybody may be everybody. */
  readonly peerHref: (peer: string) => string | null;
  /** Goes on as the user whom the server knows now; null: only the host can do that. */
  readonly onOtherUser: (() => void) | null;
};

/** `full`: the list and the thread, beside each other where there is room, else one of them. */
export type View = "full" | "list" | "thread";

const Context = createContext<Surface | null>(null);

export const SurfaceProvider = Context.Provider;

/** What is around the chat: every part of it is drawn inside of a provider. */
export const useSurface = (): Surface => useContext(Context) as Surface;

/** The names of times. Null until the browser has loaded them, which it does once the messages are on screen. */
export function useDays(): DayNames | null {
  const { days } = useSurface();
  const [isLoaded, setIsLoaded] = useState(days.isLoaded);
  useEffect(() => (isLoaded ? undefined : days.load(() => setIsLoaded(true))), [days, isLoaded]);
  return isLoaded ? days : null;
}

type GoProps = {
  readonly to: Target | null;
  readonly id?: string;
  readonly className: string;
  readonly part?: string;
  readonly "aria-label"?: string;
  readonly tabIndex?: number;
  readonly isCurrent?: boolean;
  readonly children: ReactNode;
};

/** Leads to a conversation or to the list: a link where they have addresses, else a button. */
export function Go({ to, isCurrent, ...props }: GoProps): ReactNode {
  const { hrefOf, open } = useSurface();
  const href = hrefOf(to) ?? undefined;
  return createElement(href === undefined ? "button" : "a", {
    ...props,
    href,
    "aria-current": isCurrent ? "page" : undefined,
    onClick(event: MouseEvent) {
      // Another tab or window: the browser follows the link.
      if (href !== undefined && (event.ctrlKey || event.metaKey || event.shiftKey)) return;
      event.preventDefault();
      open(to);
    },
  });
}
