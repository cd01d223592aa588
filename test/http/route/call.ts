import type { Call } from "../../../src/http/call.ts";
import { ChatError } from "../../../src/error.ts";
import { systemRandom } from "../../../src/internal/random.ts";
import { defaultLimits } from "../../../src/protocol/limits.ts";
import { fakeClock } from "../../support/fake-clock.ts";

export type Asked = {
  /** Sent as JSON; absent: a GET. */
  readonly body?: unknown;
  readonly method?: string;
  readonly query?: string;
  readonly store?: object;
  readonly fields?: object;
};

/** A call of alice's at a route, with the parts of a store that the test gives. */
export function callOf({ body, method, query = "", store = {}, fields = {} }: Asked): Call {
  const request = new Request(`http://h/route${query}`, {
    method: method ?? (body === undefined ? "GET" : "POST"),
    ...(body !== undefined && { body: JSON.stringify(body), headers: { "content-type": "application/json" } }),
  });
  return {
    ...{
      request,
      session: { tenant: "t", user: "alice" },
      askedAt: 0,
      id: "",
      clock: fakeClock(1_000),
      random: systemRandom,
    },
    ...{
      limits: defaultLimits,
      store,
      retryAfterMs: () => 0,
      spend() {},
      ticketOf: (secret: string) => secret,
      ...fields,
    },
  } as unknown as Call;
}

/** The status and the body of an answer, or the code of the refusal. */
export async function outcomeOf(answer: Promise<Response | void>): Promise<unknown> {
  try {
    const response = await answer;
    if (!response) return 204;
    const text = await response.text();
    return [response.status, text === "" ? null : (JSON.parse(text) as unknown)];
  } catch (error) {
    if (error instanceof ChatError) return error.code;
    throw error;
  }
}
