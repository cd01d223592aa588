import { withParameters } from "../client/link/path.ts";
import { isNew } from "../client/vault/idb-notes.ts";
import { routeOf } from "./address.ts";

type Names = { readonly user: string | undefined; readonly tenant: string | undefined };

export type FirstPaths = { readonly conversation: string; readonly messages: string };

/** Where a browser in which the user was never before gets the first messages: what the client asks for too. Null: the device may have messages, or the address names no conversation. */
export function firstPaths({ user, tenant }: Names, isDemo: boolean): FirstPaths | null {
  if (user !== undefined && !isNew({ url: location.origin, tenant: tenant ?? "default", user })) return null;
  const { target } = routeOf(location.search);
  if (target === null) return null;
  const parameters = isDemo ? { user: user ?? null, tenant: tenant ?? null } : {};
  const [conversation, messages] =
    "with" in target
      ? [withParameters("/conversations", target), target]
      : [`/conversations/${encodeURIComponent(target.conversation)}`, target];
  return {
    conversation: withParameters(conversation, parameters),
    messages: withParameters(withParameters("/messages", { ...messages, limit: 50 }), parameters),
  };
}
