import { isIdentifier } from "../protocol/identifier.ts";
import { parameter } from "./address.ts";
import { fetchOnce } from "./early-requests.ts";
import { type Identity, recall, remember } from "./last-identity.ts";

/** How the server learns who asks: `demo`, the address says it; `jwt`, a cookie does. */
export type Auth = "demo" | "jwt";

/** The beginning of the page. */
export type Start =
  | { readonly view: "chat"; readonly auth: Auth; readonly identity: Identity }
  /** The form that asks for the names. `problem`: what is wrong with those of the address. */
  | { readonly view: "start"; readonly problem: string | null }
  | { readonly view: "refused"; readonly reason: string }
  | { readonly view: "unreachable" };

/** The server names the user if the address does not. */
export async function begin(auth: Auth): Promise<Start> {
  if (auth === "demo") return beginDemo();
  try {
    const response = await fetchOnce(new Request("/me", { credentials: "include" }));
    if (response.ok) return known((await response.json()) as Identity);
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

function known({ user, tenant }: Identity): Start {
  const identity = { user, ...(tenant !== undefined && { tenant }) };
  remember(identity);
  return { view: "chat", auth: "jwt", identity };
}
