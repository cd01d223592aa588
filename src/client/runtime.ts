import { systemClock } from "../internal/clock.ts";
import type { Environment, Occasion, SocketLike, Surroundings } from "./environment.ts";

/** The parts of a page that report its events. Each is absent outside of browsers. */
type PageGlobals = {
  readonly document?: EventTarget & { readonly visibilityState: string };
  readonly location?: { readonly origin: string };
  readonly navigator?: { readonly onLine?: boolean };
  readonly addEventListener?: EventTarget["addEventListener"];
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

/**
 * An address in its one form, without a slash at its end. A path is of the page's own origin; while a server renders there is no page, and nothing is asked.
 * Null: it depends on the page, or is none.
 */
export function absoluteUrl(given: string): string | null {
  const isPath = /^\/(?!\/)[^?#]*$/.test(given);
  if (!isPath && !/^https?:\/\/[^?#]+$/i.test(given)) return null;
  const origin = isPath ? globals.location?.origin : "";
  try {
    const url = origin === undefined ? given : new URL(origin + given).href;
    return url.replace(/\/+$/, "");
  } catch {
    return null;
  }
}

/** The events of a page. */
const occasions: Readonly<Record<string, Occasion>> = {
  online: "online",
  offline: "offline",
  pageshow: "resumed",
  pagehide: "leaving",
  resume: "resumed",
};

const pageSurroundings: Surroundings = {
  isVisible: () => globals.document?.visibilityState !== "hidden",
  isOnline: () => globals.navigator?.onLine !== false,
  on(listener) {
    const page = new AbortController();
    const { signal } = page;
    globals.document?.addEventListener(
      "visibilitychange",
      () => listener(pageSurroundings.isVisible() ? "visible" : "hidden"),
      { signal },
    );
    for (const [name, occasion] of Object.entries(occasions))
      globals.addEventListener?.(name, () => listener(occasion), { signal });
    return () => page.abort();
  },
};
