import { systemClock } from "../internal/clock.ts";
import type { Environment, Occasion, SocketLike, Surroundings } from "./environment.ts";

/** The parts of a page that report its events. Each is absent outside of browsers. */
type PageGlobals = {
  readonly document?: EventTarget & { readonly visibilityState: string };
  readonly location?: { readonly origin: string };
  readonly navigator?: { readonly onLine?: boolean };
  readonly addEventListener?: EventTarget["addEventListener"];
  readonly removeEventListener?: EventTarget["removeEventListener"];
};

const globals = globalThis as PageGlobals;

/** The runtime's own: browsers, Bun, Node from 22 on, Deno and React Native alike. */
export function runtimeEnvironment(): Environment {
  return {
    clock: systemClock,
    randomBytes: (count) => crypto.getRandomValues(new Uint8Array(count)),
    connect: (url, protocols) => new WebSocket(url, [...protocols]) as SocketLike,
    fetch: (request) => fetch(request),
    openChannel(name, onHint) {
      if (typeof BroadcastChannel === "undefined") return null;
      const channel = new BroadcastChannel(name);
      channel.onmessage = ({ data }) => onHint(data);
      // A command-line program must be able to end.
      (channel as { unref?: () => void }).unref?.();
      return { post: (hint) => channel.postMessage(hint), close: () => channel.close() };
    },
    surroundings: pageSurroundings,
  };
}

/** Where an app does not listen for faults, its developer finds them here. */
export const reportFault = (fault: unknown): void => console.error("tidings/client:", fault);

/** A path is of the page's own origin. While a server renders there is no page, and nothing is asked. Null: it depends on the page, or is none. */
export function absoluteUrl(given: string): string | null {
  const url = given.replace(/\/+$/, "");
  if (/^https?:\/\/[^?#]+$/.test(url)) return url;
  if (!/^(\/[^/?#][^?#]*)?$/.test(url) || !given.startsWith("/")) return null;
  return (globals.location?.origin ?? "") + url;
}

const pageSurroundings: Surroundings = {
  isVisible: () => globals.document?.visibilityState !== "hidden",
  isOnline: () => globals.navigator?.onLine !== false,
  on(listener) {
    const { document } = globals;
    const page = globals.addEventListener === undefined ? undefined : (globalThis as unknown as EventTarget);
    const bound: (readonly [EventTarget | undefined, string, () => void])[] = [
      [document, "visibilitychange", () => listener(document?.visibilityState === "hidden" ? "hidden" : "visible")],
      ...(["online", "offline"] as const).map((name) => [page, name, () => listener(name)] as const),
      ...(
        [
          ["pageshow", "resumed"],
          ["pagehide", "leaving"],
          ["resume", "resumed"],
        ] as const
      ).map(([name, occasion]): readonly [EventTarget | undefined, string, () => void] => [
        page,
        name,
        () => listener(occasion satisfies Occasion),
      ]),
    ];
    for (const [target, name, call] of bound) target?.addEventListener(name, call);
    return () => {
      for (const [target, name, call] of bound) target?.removeEventListener(name, call);
    };
  },
};
