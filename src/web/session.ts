import { createClient, indexedDb, memory, type Client, type Storage, VaultError } from "../client/index.ts";
import { isIdentifier } from "../protocol/identifier.ts";
import { pageHref, parameter } from "./address.ts";

/** How the server learns who asks: `demo`, the address says it; `jwt`, a cookie does. */
export type Auth = "demo" | "jwt";

/** Who uses the page. */
export type Identity = { readonly user: string; readonly tenant?: string };

/** What the page begins with. */
export type Start =
  | { readonly view: "chat"; readonly auth: Auth; readonly identity: Identity }
  /** The form that asks for the names. `problem`: what is wrong with those of the address. */
  | { readonly view: "start"; readonly problem: string | null }
  | { readonly view: "refused"; readonly reason: string }
  | { readonly view: "unreachable" };

const lastIdentityKey = "tidings identity";

/** The server names the user if the address does not. */
export async function begin(auth: Auth): Promise<Start> {
  if (auth === "demo") return beginDemo();
  try {
    const response = await fetch("/me");
    if (response.ok) return remember((await response.json()) as Identity);
    if (response.status < 500) return { view: "refused", reason: await reasonOf(response) };
  } catch {
    // Without a network the one who was here last reads what this browser holds.
  }
  const last = recall();
  return last === null ? { view: "unreachable" } : { view: "chat", auth, identity: last };
}

function beginDemo(): Start {
  const [user, tenant] = [parameter("user"), parameter("tenant")];
  if (user === undefined) return { view: "start", problem: null };
  const [wrong] =
    Object.entries({ user, tenant }).find(([, value]) => value !== undefined && !isIdentifier(value)) ?? [];
  if (wrong !== undefined)
    return { view: "start", problem: `The “${wrong}” of this link is not one that Tidings takes.` };
  return { view: "chat", auth: "demo", identity: { user, ...(tenant !== undefined && { tenant }) } };
}

async function reasonOf(response: Response): Promise<string> {
  try {
    return ((await response.json()) as { readonly detail?: string }).detail ?? response.statusText;
  } catch {
    return response.statusText;
  }
}

function remember({ user, tenant }: Identity): Start {
  const identity = { user, ...(tenant !== undefined && { tenant }) };
  try {
    localStorage.setItem(lastIdentityKey, JSON.stringify(identity));
  } catch {
    // This browser stores nothing: it has nothing to show without a network either.
  }
  return { view: "chat", auth: "jwt", identity };
}

function recall(): Identity | null {
  try {
    return JSON.parse(localStorage.getItem(lastIdentityKey) ?? "null") as Identity | null;
  } catch {
    return null;
  }
}

/** The client of the page. */
export function openClient(auth: Auth, { user, tenant }: Identity): Client {
  const parameters = { user, ...(tenant !== undefined && { tenant }) };
  return createClient({
    url: location.origin,
    user,
    ...(tenant !== undefined && { tenant }),
    ...(auth === "demo" && { authenticate: async () => ({ parameters }) }),
    storage: pageStorage(),
  });
}

/** That of the browser. Where it has none, or refuses it, the page keeps everything in its memory, and says so. */
function pageStorage(): Storage {
  const [disk, page] = [indexedDb(), memory()];
  return {
    ...disk,
    open: (scope, makeDevice) =>
      disk.open(scope, makeDevice).catch((fault: unknown) => {
        // Another fault may pass: the client tries again, and what waits on the disk is not left behind.
        if (!isRefused(fault)) throw fault;
        return page.open(scope, makeDevice);
      }),
  };
}

/** The user has blocked the data of sites, or there is no IndexedDB at all. */
const isRefused = (fault: unknown): boolean =>
  fault instanceof VaultError && /^(Security|Type)Error/.test(fault.message);

/** All tabs of a user end together: one that went on would store the user's messages again. */
const nameOf = ({ user, tenant }: Identity): string => `tidings sign-out ${JSON.stringify([tenant, user])}`;

/** A tab that is frozen does not answer: its data is deleted under it. */
const othersMs = 2_000;
/** This tab's own part in that. */
let endFollowing: (() => void) | null = null;

/** Removes the data of the user from this browser, when the user's other tabs have ended. */
export async function signOut(client: Client, identity: Identity): Promise<void> {
  // First: this tab would hear itself, and go before its data is removed.
  endFollowing?.();
  const channel = new BroadcastChannel(nameOf(identity));
  channel.postMessage("sign out");
  const locks = locksOf();
  await locks?.request(nameOf(identity), { signal: AbortSignal.timeout(othersMs) }, () => {}).catch(() => {});
  await client.signOut({ wipe: true });
  channel.close();
  location.assign(pageHref({ tenant: identity.tenant }));
}

/** Follows another tab that signs out. Returns the function that ends this. */
export function followSignOut(client: Client, identity: Identity): () => void {
  const channel = new BroadcastChannel(nameOf(identity));
  channel.onmessage = () => void client.close().then(() => location.assign(pageHref({ tenant: identity.tenant })));
  // Each tab holds its share of the lock until it is gone.
  const { promise, resolve } = Promise.withResolvers<void>();
  void locksOf()?.request(nameOf(identity), { mode: "shared" }, () => promise);
  endFollowing = () => {
    channel.close();
    resolve();
  };
  return endFollowing;
}

/** Absent where the page did not come over https, nor from this machine. */
const locksOf = (): LockManager | undefined => (navigator as { readonly locks?: LockManager }).locks;
