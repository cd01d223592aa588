import { isIdentifier } from "../protocol/identifier.ts";
import { readParameter } from "../internal/query-string.ts";
import type { Authenticate } from "./authenticate.ts";
import { isLoopbackHost } from "../internal/loopback.ts";
import { hostOf } from "./origin.ts";

/** An `authenticate` that also says whether the host that the request addressed may be served at all (403 where not). */
export type DemoAuthenticate = Authenticate & { readonly isHostAllowed: (request: Request) => boolean };

/**
 * Authentication for trials (`AUTH=demo`): the user is `?user=alice`, the tenant `&tenant=acme` (default `default`).
 *
 * It proves nothing, so it serves only requests with a loopback `Host` (see `isLoopbackHost`): a web page of a foreign name that
 * resolves to 127.0.0.1 must not read a developer's chats. Others get null; `admit` asks `isHostAllowed` first and
 * answers them 403. A missing, doubled or malformed `user` or `tenant` is null as well.
 *
 * @param options.anywhere Serve any `Host`: each client that reaches the port can be any user.
 *
 * @example
 * createChat({ ...options, authenticate: demo() }) // ws://localhost:6662/ws?user=alice
 */
export function demo(options: { readonly anywhere?: boolean } = {}): DemoAuthenticate {
  const isHostAllowed = (request: Request) => options.anywhere === true || isLoopbackHost(hostOf(request));
  const authenticate: Authenticate = (request) => {
    const user = readParameter(request.url, "user");
    const tenant = readParameter(request.url, "tenant");
    if (!isHostAllowed(request) || !isIdentifier(user)) return null;
    if (tenant === undefined) return { user };
    return isIdentifier(tenant) ? { user, tenant } : null;
  };
  return Object.assign(authenticate, { isHostAllowed });
}
