import { refusalText, toOneself } from "../../action/send.ts";
import type { Held } from "../../connection/send-pause.ts";
import { errorCodes } from "../../error.ts";
import { storedMessageId } from "../../protocol/identifier.ts";
import type { ServerFrame } from "../../protocol/frame.ts";
import type { Outcome, Send } from "../../store/store.ts";
import { bytesCost, costs, sendCost } from "../../protocol/costs.ts";
import type { Verdict } from "../../access/policy.ts";
import type { Handler } from "./handler.ts";

/** How long a sender should wait after the store failed, in milliseconds. */
export const unavailableRetryMs = 1_000;

/** Who sends too much waits at least this long, in milliseconds. */
const limitedMsMin = 500;

type Answer = Extract<ServerFrame, { type: "accepted" | "rejected" }>;

/** The answer to a send, as its outcome is. */
function outcomeFrame(id: string, outcome: Outcome, laterMs: number): Answer {
  if (outcome.type === "accepted") {
    const { conversation, seq, time, duplicate } = outcome;
    return { type: "accepted", id, conversation, seq, time, duplicate };
  }
  const { code } = outcome;
  const { retry } = errorCodes[code];
  return {
    ...{ type: "rejected", id, code, message: refusalText(code), retry },
    ...(retry === "later" && { retryAfterMs: laterMs }),
  };
}

/** Joins the commit queue; the answer comes with the commit, in the order of the frames. */
export const send: Handler<"send"> = (connection, frame, { store, policy, limiter }) => {
  const { session } = connection;
  const slot = connection.reserve();
  if (frame.to === session.user) {
    connection.answer(slot, { type: "rejected", id: frame.id, retry: "never", ...toOneself });
    return;
  }
  const held = connection.hold.now() ?? tooOften();
  if (held) return refuse(held);
  const verdict = policy.decide("send", session, frame);
  // The frames behind this one wait: order is kept while the host thinks.
  return verdict instanceof Promise ? verdict.then(judge) : judge(verdict);

  function tooOften(): Held | null {
    const ms = limiter?.takeSend(connection.doer, sendCost(frame.text.length)) ?? 0;
    if (ms === 0) return null;
    // What comes at the next moment would be looked up and refused as this one is.
    connection.hold.start("rate_limited", Math.max(ms, limitedMsMin));
    return connection.hold.now();
  }

  function refuse({ code, retryAfterMs }: Held): void | Promise<void> {
    const paid = limiter?.payRefusal(connection.doer, costs.refused + bytesCost(frame.text.length));
    if (!paid) return append(code, retryAfterMs);
    return paid.then(() => {
      // None of what follows may overtake this one, which is to be tried again.
      if (connection.hold.now() === null) connection.hold.start(code, limitedMsMin);
      append(code, connection.hold.now()?.retryAfterMs ?? limitedMsMin);
    });
  }

  function judge(verdict: Verdict): void {
    // The host's rule failed: none of what follows may overtake this one, which is to be tried again.
    if (verdict === "unavailable") connection.hold.start("unavailable", unavailableRetryMs);
    append(verdict === "allowed" ? undefined : verdict);
  }

  function append(refusal: Send["refusal"], laterMs = unavailableRetryMs): void {
    const { tenant, user: from } = session;
    const { id, text, to, conversation = "" } = frame;
    const target = to === undefined ? { conversation } : { to };
    store.append(
      { ...{ tenant, from, id: storedMessageId(id), text, refusal, origin: connection }, ...target },
      (outcome) => {
        const isRefused = outcome.type === "refused" && outcome.code === "unavailable";
        if (isRefused && refusal !== "unavailable") connection.storeFailed();
        connection.answer(slot, outcomeFrame(id, outcome, laterMs));
      },
    );
  }
};
