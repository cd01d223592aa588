import type { Occasion, Surroundings } from "../client/environment.ts";
import { type Clock, systemClock } from "../internal/clock.ts";

/** `AppState` of React Native. */
export type AppStateLike = {
  readonly currentState: string | null;
  addEventListener(name: "change", listener: (state: string) => void): { remove(): void };
};

/** The default export of `@react-native-community/netinfo`. */
export type NetInfoLike = {
  addEventListener(listener: (state: { readonly isConnected: boolean | null }) => void): () => void;
};

export type NativeOptions = {
  readonly appState: AppStateLike;
  /** Absent: the client finds out by itself, a few seconds later. */
  readonly netInfo?: NetInfoLike;
  /** For tests. */
  readonly clock?: Pick<Clock, "after">;
};

/** How long a text that was sent just before the app went to the background has to go out; iOS stops an app after about 5 s. */
const backgroundMs = 3_000;

/**
 * The app as the client's surroundings. In the background it disconnects, so that the server pushes what comes; back in the foreground it gets what it missed.
 *
 * @example
 * const surroundings = nativeSurroundings({ appState: { currentState: "active", addEventListener: () => ({ remove() {} }) } });
 */
export function nativeSurroundings({ appState, netInfo, clock = systemClock }: NativeOptions): Surroundings {
  let isConnected = true;
  // iOS is `inactive` for a moment, as under the notification centre: the app is still in sight.
  const isVisible = (): boolean => appState.currentState !== "background";

  return {
    isVisible,
    isOnline: () => isConnected,
    on(listener) {
      let cancel = (): void => {};
      const change = (state: string): void => {
        cancel();
        if (state === "active") listener("visible");
        if (state !== "background") return;
        listener("hidden");
        cancel = clock.after(backgroundMs, () => isVisible() || listener("leaving"));
      };
      const state = appState.addEventListener("change", change);
      // Each listener has its own last state: it is called by its own subscription.
      let last = isConnected;
      const endNetwork = netInfo?.addEventListener((next) => {
        // Null: not known yet.
        isConnected = next.isConnected !== false;
        if (isConnected === last) return;
        last = isConnected;
        listener((isConnected ? "online" : "offline") satisfies Occasion);
      });
      return () => {
        cancel();
        state.remove();
        endNetwork?.();
      };
    },
  };
}
