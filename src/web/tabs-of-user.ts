import { deferred } from "../internal/deferred.ts";
import type { Client } from "../client/index.ts";

/** All tabs of a user sign out together: one that went on would store the user's messages again. */
export type TabsOfUser = {
  /** Removes the data of the user from this browser, when the user's other tabs have ended. If that fails, it can be called again. */
  signOut(): Promise<{ readonly unsent: number }>;
  /** This tab is no longer one of them. */
  leave(): void;
};

type TabsOptions = {
  readonly client: Client;
  /** Another tab has signed out, and this one's client is closed. */
  readonly onSignedOut: () => void;
};

/** A tab that is frozen does not answer: its data is deleted under it. */
const othersMs = 2_000;

export function joinTabs({ client, onSignedOut }: TabsOptions): TabsOfUser {
  // The same in each tab that has the user's data, whatever else of the account is written in another way there.
  const name = `tidings sign-out ${JSON.stringify(client.scope)}`;
  const channel = new BroadcastChannel(name);
  channel.onmessage = () => void client.close().then(onSignedOut);
  // Each tab holds its share of the lock until it is gone.
  const { promise, resolve } = deferred<void>();
  void locksOf()?.request(name, { mode: "shared" }, () => promise);
  const leave = (): void => {
    channel.close();
    resolve();
  };
  return {
    leave,
    async signOut() {
      // First: this tab would hear itself, and go before its data is removed.
      leave();
      const others = new BroadcastChannel(name);
      others.postMessage("sign out");
      await locksOf()
        ?.request(name, { signal: AbortSignal.timeout(othersMs) }, () => {})
        .catch(() => {});
      return client.signOut({ wipe: true }).finally(() => others.close());
    },
  };
}

/** Absent where the page did not come over https, nor from this machine. */
const locksOf = (): LockManager | undefined => (navigator as { readonly locks?: LockManager }).locks;
