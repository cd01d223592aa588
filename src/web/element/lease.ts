import { type Client, createClient } from "../../client/index.ts";
import { browserStorage } from "../browser-storage.ts";
import { joinTabs, type TabsOfUser } from "../tabs-of-user.ts";
import type { Authenticate } from "../tidings-chat-types.ts";

/** Whose chat an element shows. */
export type Account = { readonly url: string; readonly user: string; readonly tenant: string | null };

/** An element's share in the client of its account. */
export type Lease = {
  readonly client: Client;
  /** The credentials of the account come from here from now on. */
  offer(authenticate: Authenticate | null): void;
  signOut(): Promise<{ readonly unsent: number }>;
  release(): void;
};

/** A client with the elements that show it. */
type Shared = {
  readonly client: Client;
  readonly tabs: TabsOfUser;
  /** What each element does when the account was signed out. */
  readonly uses: Set<() => void>;
  authenticate: Authenticate | null;
  /** Runs while no element shows it. */
  linger: ReturnType<typeof setTimeout> | undefined;
};

/** An element that comes back by then, as in a router or a list that is sorted, finds its client as it was. */
const lingerMs = 5_000;
/** How long a client that no element shows tries to send what waits. After that it waits on the device, until the account is shown again. */
const unsentMsMax = 300_000;

const all = new Map<string, Shared>();

export const accountKey = ({ url, user, tenant }: Account): string => JSON.stringify([url, user, tenant]);

/** The client of an account: all elements of the page with the same account share it. */
export function leaseClient(account: Account, onSignedOut: () => void): Lease {
  const key = accountKey(account);
  const shared = all.get(key) ?? share(account);
  all.set(key, shared);
  // A function of its own: two elements may bring the same one.
  const use = (): void => onSignedOut();
  shared.uses.add(use);
  clearTimeout(shared.linger);
  return {
    client: shared.client,
    offer(authenticate) {
      if (authenticate === null || authenticate === shared.authenticate) return;
      shared.authenticate = authenticate;
      if (shared.client.status.get().state === "unauthenticated") shared.client.retry();
    },
    async signOut() {
      const result = await shared.tabs.signOut();
      end(key, shared);
      return result;
    },
    release() {
      if (shared.uses.delete(use) && shared.uses.size === 0)
        shared.linger = setTimeout(() => closeUnused(key, shared), lingerMs);
    },
  };
}

function share(account: Account): Shared {
  const { url, user, tenant } = account;
  const client = createClient({
    ...{ url, user, storage: browserStorage() },
    ...(tenant !== null && { tenant }),
    // Without one, the browser's cookies are the credentials.
    authenticate: async (request) => (shared.authenticate === null ? {} : await shared.authenticate(request)),
  });
  // Until it is closed: what waits is sent, also while no element shows it.
  client.retain();
  const name = `tidings sign-out ${JSON.stringify([tenant, user, url])}`;
  const tabs = joinTabs({ client, name, onSignedOut: () => end(accountKey(account), shared) });
  const shared: Shared = { client, tabs, uses: new Set(), authenticate: null, linger: undefined };
  return shared;
}

/** The account was signed out: an element that asks for it again gets another client. */
function end(key: string, shared: Shared): void {
  if (all.get(key) === shared) all.delete(key);
  for (const use of [...shared.uses]) use();
}

/** Ends a client that no element shows, as soon as everything is sent, or was not for long and is on the device. */
function closeUnused(key: string, shared: Shared, isLate = false): void {
  const { client, tabs, uses } = shared;
  if (uses.size > 0 || all.get(key) !== shared) return;
  if (client.outbox.get().queued > 0 && !(isLate && client.storage.get().kind === "durable")) {
    if (!isLate) shared.linger = setTimeout(() => closeUnused(key, shared, true), unsentMsMax);
    const unsubscribe = client.outbox.subscribe(() => {
      if (client.outbox.get().queued > 0) return;
      unsubscribe();
      closeUnused(key, shared);
    });
    return;
  }
  all.delete(key);
  tabs.leave();
  void client.close();
}
