import { type Client, createClient } from "../../client/index.ts";
import { browserStorage } from "../browser-storage.ts";
import { joinTabs, type TabsOfUser } from "../tabs-of-user.ts";
import type { Authenticate } from "../tidings-chat-types.ts";

/** The owner of the chat in an element. */
export type Account = { readonly url: string; readonly user: string; readonly tenant: string | null };

/** What an element has a client by: the account, or the client that the host has made. */
export type LeaseKey = string | Client;

/** An element's share in the client of its account. */
export type Lease = {
  readonly client: Client;
  /** Another one for each client. */
  readonly id: number;
  /** The element has these credentials from now on; null: none. */
  offer(authenticate: Authenticate | null): void;
  signOut(): Promise<{ readonly unsent: number }>;
  release(): void;
};

/** A client with the elements that show it. */
type Shared = Pick<Lease, "client" | "id"> & {
  readonly tabs: TabsOfUser;
  /** What each element does when the account was signed out, with its credentials. The one with the latest credentials is the last. */
  readonly uses: Map<() => void, Authenticate | null | undefined>;
  authenticate: Authenticate | null;
  /** Ends what runs while no element shows it. */
  stopWaiting(): void;
};

/** An element that comes back by then, as in a router or a list that is sorted, finds its client as it was. */
const lingerMs = 5_000;
/** How long a client that no element shows tries to send what waits. After that it waits on the device, until the account is shown again. */
const unsentMsMax = 300_000;

const all = new Map<LeaseKey, Shared>();
let count = 0;

export const accountKey = ({ url, user, tenant }: Account): string => JSON.stringify([url, user, tenant]);

/** The client of an account, or the host's own: all elements of the page with the same one share it. */
export function leaseClient(of: Account | Client, onSignedOut: () => void): Lease {
  const isHosts = "status" in of;
  const key = isHosts ? of : accountKey(of);
  const shared = all.get(key) ?? share(key, isHosts ? () => of : (credentials) => clientOf(of, credentials));
  all.set(key, shared);
  // A function of its own: two elements may bring the same one.
  const use = (): void => onSignedOut();
  const { client, tabs, uses } = shared;
  uses.set(use, undefined);
  shared.stopWaiting();
  return {
    client,
    id: shared.id,
    offer(authenticate) {
      const before = uses.get(use);
      if (isHosts || before === authenticate) return;
      uses.delete(use);
      uses.set(use, authenticate);
      const newest = [...uses.values()].findLast((one) => one) ?? null;
      // One that never had any takes none away that another has brought, which may have gone since.
      if (newest === null && before === undefined && uses.size > 1) return;
      const isOther = newest !== shared.authenticate;
      shared.authenticate = newest;
      // The client may hold credentials that were taken away, from any source of the next.
      if (authenticate === null && (isOther || before)) client.reauthenticate();
      else if (isOther && client.status.get().state === "unauthenticated") client.retry();
    },
    signOut: () => tabs.signOut().finally(() => end(key, shared)),
    release() {
      if (!uses.delete(use) || uses.size > 0 || all.get(key) !== shared) return;
      if (isHosts) return end(key, shared);
      const timer = setTimeout(() => closeUnused(key, shared), lingerMs);
      shared.stopWaiting = () => clearTimeout(timer);
    },
  };
}

function share(key: LeaseKey, make: (authenticate: Authenticate) => Client): Shared {
  // Without any, the browser's cookies are the credentials.
  const client = make(async (request) => (shared.authenticate === null ? {} : await shared.authenticate(request)));
  const tabs = joinTabs({ client, onSignedOut: () => end(key, shared) });
  const shared: Shared = { client, id: (count += 1), tabs, uses: new Map(), authenticate: null, stopWaiting: () => {} };
  return shared;
}

function clientOf({ url, user, tenant }: Account, authenticate: Authenticate): Client {
  const client = createClient({
    url,
    user,
    storage: browserStorage(),
    ...(tenant !== null && { tenant }),
    authenticate,
  });
  // Until it is closed: what waits is sent, also while no element shows it.
  client.retain();
  return client;
}

/** This client has no owner any more: an element that asks for its account again gets another one. */
function end(key: LeaseKey, shared: Shared): void {
  if (all.get(key) === shared) all.delete(key);
  shared.stopWaiting();
  shared.tabs.leave();
  for (const use of [...shared.uses.keys()]) use();
}

/** Ends a client that no element shows, as soon as everything is sent, or was not for long and is on the device. */
function closeUnused(key: LeaseKey, shared: Shared): void {
  const { client } = shared;
  const check = (isLate: boolean): void => {
    if (client.outbox.get().queued > 0 && !(isLate && client.storage.get().kind === "durable")) return;
    end(key, shared);
    void client.close();
  };
  const timer = setTimeout(() => check(true), unsentMsMax);
  const unsubscribe = client.outbox.subscribe(() => check(false));
  shared.stopWaiting = () => {
    clearTimeout(timer);
    unsubscribe();
  };
  check(false);
}
