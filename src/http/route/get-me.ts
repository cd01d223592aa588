import * as v from "valibot";
import { ChatError } from "../../error.ts";
import { readParameter } from "../../internal/query-string.ts";
import { costs } from "../../protocol/costs.ts";
import { welcomeLimits } from "../../protocol/frame.ts";
import { me } from "../answer-schema.ts";
import { jsonResponse, type Route } from "../call.ts";
import { readParameters } from "../parameters.ts";

/** Whatever a browser may send as `Origin`. */
const originForm = /^[!-~]{1,256}$/;

const parameters = () =>
  v.strictObject({
    origin: v.optional(
      v.pipe(
        v.string(),
        v.regex(originForm),
        v.description("The page's origin, which a browser does not send with a GET to its own site"),
      ),
    ),
  });

/** The origin that a page has given in the address; null: none, or a malformed one, which the route refuses. */
export function givenOriginOf({ url }: Pick<Request, "url">): string | null {
  const given = readParameter(url, "origin") ?? "";
  return originForm.test(given) ? given : null;
}

/**
 * `GET /me`: who the asker is and what holds for them, or the refusal that an upgrade would get now, with its status and code: a browser does not
 * show a page why an upgrade failed.
 */
export const getMe: Route = {
  meta: {
    summary: "Who you are here, or the reason why a socket would not open",
    parameters,
    answers: { 200: me },
    codes: ["bad_request", "forbidden", "too_many_connections"],
  },
  units: costs.connect,
  isAdmission: true,
  handle: async ({ request, session, store, limits, clock }) => {
    readParameters(request.url, parameters());
    const trouble = store.trouble();
    // A damaged database can still be read, and sockets open.
    if (trouble !== null && trouble !== "damaged") throw new ChatError("unavailable", "The store cannot be reached");
    const time = clock.now();
    const [messages = 0] = await store.push.badges([session], time);
    const { user, tenant } = session;
    const { heartbeatMs } = limits;
    return jsonResponse(
      200,
      JSON.stringify({ user, tenant, time, heartbeatMs, limits: welcomeLimits(limits), unread: { messages } }),
    );
  },
};
