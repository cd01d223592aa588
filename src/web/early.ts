/**
 * Runs before the script of the page, which is fifty times as long: a browser where the user was never before asks for the first messages meanwhile. What it
 * asks for is what the client asks for then.
 */
import { withParameters } from "../client/link/path.ts";
import { isNew } from "../client/vault/idb-notes.ts";
import { parameter, routeOf } from "./address.ts";
import { sendEarly } from "./early-requests.ts";
import { recall } from "./last-identity.ts";

const isDemo = document.documentElement.dataset["auth"] !== "jwt";
const user = isDemo ? parameter("user") : recall()?.user;
const tenant = isDemo ? parameter("tenant") : recall()?.tenant;

function pagePaths(): readonly string[] {
  if (user !== undefined && !isNew({ url: location.origin, tenant: tenant ?? "default", user })) return [];
  const { target } = routeOf(location.search, user ?? "");
  if (target === null) return [];
  const parameters = isDemo ? { user: user ?? null, tenant: tenant ?? null } : {};
  const [conversation, messages] =
    "with" in target
      ? [withParameters("/conversations", target), target]
      : [`/conversations/${encodeURIComponent(target.conversation)}`, target];
  return [conversation, withParameters("/messages", { ...messages, limit: 50 })].map((path) =>
    withParameters(path, parameters),
  );
}

sendEarly([...(isDemo ? [] : ["/me"]), ...(isDemo && user === undefined ? [] : pagePaths())]);
