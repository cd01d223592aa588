import { refusalText, storedMentions } from "../../action/send.ts";
import type { Answer } from "../../connection/outgoing.ts";
import type { PausedSend } from "../../connection/send-pause.ts";
import { errorCodes } from "../../error.ts";
import { storedMessageId } from "../../protocol/identifier.ts";
import type { Outcome, Send } from "../../store/store.ts";
import { bytesCost, costs, sendCost } from "../../protocol/costs.ts";
import type { Verdict } from "../../access/policy.ts";
import type { Handled, Handler } from "./handler.ts";

/** How long a sender should wait after the store failed, in milliseconds. */
const unavailableRetryMs = 1_000;

/** A sender above its rate waits at least this long, in milliseconds. */
const limitedMsMin = 500;

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

type SendParts = "session" | "doer" | "outgoing" | "sendPause" | "closeAfterAnswers";

/** Puts the message into the next commit; the answer comes with the commit, in the order of the frames. */
export const send: Handler<"send", SendParts> = (connection, frame, { store, policy, limiter }) => {
  const { session, sendPause, outgoing } = connection;
  const slot = outgoing.reserve();
  const paused = sendPause.current() ?? overRate();
  if (paused) return refuse(paused);
  const verdict = policy.decide("send", session, frame);
  // The frames behind this one wait: order is kept while the host decides.
  return verdict instanceof Promise ? verdict.then(judge) : judge(verdict);

  function overRate(): PausedSend | null {
    const ms = limiter?.takeSend(connection.doer, sendCost(frame.text.length)) ?? 0;
    if (ms === 0) return null;
    // Sends of the next moment would be looked up and refused as this one is.
    sendPause.start("rate_limited", Math.max(ms, limitedMsMin));
    return sendPause.current();
  }

  function refuse({ code, retryAfterMs }: PausedSend): Handled | Promise<Handled> {
    const paid = limiter?.payRefusal(connection.doer, costs.refused + bytesCost(frame.text.length));
    if (!paid) return append(code, retryAfterMs);
    return paid.then(() => {
      // This send is to be tried again: none of those behind it may overtake it.
      if (sendPause.current() === null) sendPause.start(code, limitedMsMin);
      return append(code, sendPause.current()?.retryAfterMs ?? limitedMsMin);
    });
  }

  function judge(verdict: Verdict): Handled {
    // The host's rule failed: this send is to be tried again, and none of those behind it may overtake it.
    if (verdict === "unavailable") sendPause.start("unavailable", unavailableRetryMs);
    return append(verdict === "allowed" ? undefined : verdict);
  }

  function append(refusal: Send["refusal"], laterMs = unavailableRetryMs): undefined {
    const { tenant, user: from } = session;
    const { id, text, to, conversation = "", mentions } = frame;
    const target = to === undefined ? { conversation } : { to };
    store.append(
      {
        ...{ tenant, from, id: storedMessageId(id), text, refusal, origin: connection },
        ...target,
        ...(mentions !== undefined && { mentions: storedMentions(mentions) }),
      },
      (outcome) => {
        const isRefused = outcome.type === "refused" && outcome.code === "unavailable";
        if (isRefused && refusal !== "unavailable") connection.closeAfterAnswers();
        outgoing.answer(slot, outcomeFrame(id, outcome, laterMs));
      },
    );
  }
};
