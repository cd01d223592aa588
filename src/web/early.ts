/**
 * Runs before the script of the page, which is many times as long: a browser where the user was never before asks for the first messages meanwhile. What it
 * asks for is what the client asks for then.
 */
import { parameter } from "./address.ts";
import { sendEarly } from "./early-requests.ts";
import { firstPaths } from "./first-paths.ts";
import { recall } from "./last-identity.ts";

const isDemo = document.documentElement.dataset["auth"] !== "jwt";
const user = isDemo ? parameter("user") : recall()?.user;
const tenant = isDemo ? parameter("tenant") : recall()?.tenant;
const first = isDemo && user === undefined ? null : firstPaths({ user, tenant }, isDemo);

sendEarly([...(isDemo ? [] : ["/me"]), ...Object.values(first ?? {})]);

/** Without first messages the page begins with the client. Where there are some, its script would take the network from them. */
if (first === null || parameter("seq") !== undefined) {
  const href = document.currentScript?.dataset["rest"] ?? "";
  document.head.append(Object.assign(document.createElement("link"), { rel: "modulepreload", href }));
}
