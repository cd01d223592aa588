import { type Client, createClient } from "../client/index.ts";
import { pageHref } from "./address.ts";
import { browserStorage } from "./browser-storage.ts";
import { fetchOnce } from "./early-requests.ts";
import type { Identity } from "./last-identity.ts";
import { endPush } from "./push.ts";
import type { Auth } from "./session.ts";
import { joinTabs, type TabsOfUser } from "./tabs-of-user.ts";

/** The client of the page. `drawn`: the first messages are on screen. */
export function openClient(auth: Auth, { user, tenant, drawn }: Identity & { readonly drawn: Promise<void> }): Client {
  const parameters = { user, ...(tenant !== undefined && { tenant }) };
  return createClient({
    url: location.origin,
    user,
    ...(tenant !== undefined && { tenant }),
    ...(auth === "demo" && { authenticate: async () => ({ parameters }) }),
    storage: browserStorage(drawn),
    environment: { fetch: fetchOnce },
  });
}

/** The name of a user among those of this browser. */
export const ownerOf = ({ tenant, user }: Identity): string => JSON.stringify([tenant, user]);

/** The tabs of the user, of which this is one. */
let tabs: TabsOfUser | null = null;

const leavePage = ({ tenant }: Identity): void => location.assign(pageHref({ tenant }));

/** Follows another tab that signs out. Returns the function that ends this. */
export function followSignOut(client: Client, identity: Identity): () => void {
  tabs = joinTabs({ client, onSignedOut: () => leavePage(identity) });
  return tabs.leave;
}

/** Removes the data of the user from this browser, and shows the start again. */
export async function signOut(identity: Identity): Promise<void> {
  await Promise.all([tabs?.signOut(), endPush((owner) => owner !== ownerOf(identity)).catch(() => {})]);
  leavePage(identity);
}
