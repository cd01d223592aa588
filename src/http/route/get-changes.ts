import * as v from "valibot";
import { tooManyConnections } from "../../access/admit.ts";
import { ChatError } from "../../error.ts";
import type { SocketEvents } from "../../connection/socket.ts";
import { deferred } from "../../internal/deferred.ts";
import { utf8Bytes } from "../../internal/utf8.ts";
import { closeCode } from "../../protocol/close-code.ts";
import { costs } from "../../protocol/costs.ts";
import { foldedAmong, identifiersForm, isIdentifier } from "../../protocol/identifier.ts";
import { levelMax } from "../../log/log-kinds.ts";
import type { ServerFrame } from "../../protocol/frame.ts";
import type { Limits } from "../../protocol/limits.ts";
import { cursor, identifier } from "../../protocol/schema.ts";
import { changesAnswer } from "../answer-schema.ts";
import { jsonResponse, type Call, type Route } from "../call.ts";
import { readParameters, wholeNumber } from "../parameters.ts";
import { problem } from "../../protocol/problem.ts";

/** Shorter than the ten seconds after which Bun, and some proxies, close a connection on which nothing moves. */
const waitSecondsDefault = 8;
const waitSecondsMax = 60;
/** News seldom comes alone: the answer waits this much longer for more of it. */
const gatherMs = 5;
/** Part of the log has come. Where the rest pauses for this long, it goes into the next answer: a process short of memory stops reading. */
const restMs = 100;
/** An answer waits at most this long for the present state of the watched users. */
const snapshotMsMax = 2_000;

const parameters = ({ watchedUsersMax }: Limits) =>
  v.strictObject({
    device: identifier,
    cursor: v.optional(cursor),
    level: v.optional(
      wholeNumber([1, 999_999_999], "The highest level of entry that the client understands; default: 1"),
    ),
    wait: v.optional(
      wholeNumber(
        [0, waitSecondsMax],
        `Seconds until the answer, where there is no news; default: ${waitSecondsDefault}`,
      ),
    ),
    watch: v.optional(
      v.pipe(
        v.string(),
        v.regex(identifiersForm(watchedUsersMax)),
        v.check((text) => text.split(",").every(isIdentifier)),
        v.metadata({ not: { pattern: foldedAmong } }),
        v.description("Users of whom presence is wanted, separated by commas"),
      ),
    ),
  });

/**
 * `GET /changes`: the frames of a socket, for hosts and networks without one. The request is a connection while it waits: it begins at its cursor, which
 * it acks, and answers with the frames that a socket would have got, as soon as there is news or when its time is over. Ask again with
 * the `cursor` of the answer.
 */
export const getChanges: Route = {
  meta: {
    summary: "The news for a device behind its cursor: the frames of a socket, once there are any",
    parameters,
    answers: { 200: changesAnswer },
    codes: ["bad_request", "too_many_connections"],
  },
  units: costs.connect,
  handle: async (call) => await wait(call, readParameters(call.request.url, parameters(call.limits))),
};

/** The result of a request so far. */
type Collected = {
  readonly frames: string[];
  bytes: number;
  /** Behind all that is in `frames`. */
  cursor: string | undefined;
  /** Whether the log is read to its end. */
  log: "reading" | "live";
  /** The most lasting news: of the log, or volatile, such as typing. The first presence of a watched user is none. */
  news: "none" | "volatile" | "log";
  /** Watched users without a known presence. */
  readonly unseen: Set<string>;
};

function collect(got: Collected, text: string): ServerFrame {
  const frame = JSON.parse(text) as ServerFrame;
  got.frames.push(text);
  got.bytes += utf8Bytes(text);
  if ("cursor" in frame) got.cursor = frame.cursor;
  if (frame.type === "changes") {
    got.log = frame.more ? "reading" : "live";
    if (frame.changes.length > 0) got.news = "log";
  } else if (frame.type !== "welcome" && !(frame.type === "presence" && got.unseen.delete(frame.user))) {
    // An error is the answer to a watch that was refused: no presence follows.
    if (frame.type === "error") got.unseen.clear();
    if (got.news === "none") got.news = "volatile";
  }
  return frame;
}

type Decision = "answer" | "answer once gathered" | "answer without the rest" | "wait";

/** `isOver`: the time of the request. `bytesMax`: more than this waits for the next answer. */
function decide(
  { bytes, log, news, unseen }: Collected,
  { isOver, bytesMax }: { readonly isOver: boolean; readonly bytesMax: number },
): Decision {
  if (bytes >= bytesMax) return "answer";
  if (log === "reading") {
    if (isOver && news !== "none") return "answer";
    return news === "log" ? "answer without the rest" : "wait";
  }
  if (unseen.size > 0) return "wait";
  if (isOver) return "answer";
  return news === "none" ? "wait" : "answer once gathered";
}

/** The next step of a request. */
type State =
  | { readonly type: "waiting" }
  | { readonly type: "gathering" | "awaiting the rest"; readonly cancel: () => void }
  /** The time is over, and there is nothing to answer yet. */
  | { readonly type: "overdue" }
  | { readonly type: "ended" };

function wait(
  { request, session, connect, clock, limits, askedAt }: Call,
  query: v.InferOutput<ReturnType<typeof parameters>>,
): Promise<Response> {
  const { promise, resolve, reject } = deferred<Response>();
  const { device, cursor: from, level, wait: seconds = waitSecondsDefault, watch } = query;
  const unseen = new Set(watch?.split(","));
  const got: Collected = { frames: [], bytes: 0, cursor: from, log: "reading", news: "none", unseen };
  const bytesMax = limits.outboxBytesMax / 2;
  const timers = [clock.after(1_000 * seconds, () => update(true))];
  let state: State = { type: "waiting" };
  let events: SocketEvents | null = null;

  function update(isOver = state.type === "overdue"): void {
    if (state.type === "ended") return;
    const decision = decide(got, { isOver, bytesMax });
    if (decision === "answer") return leave();
    if (state.type === "gathering") return;
    if (state.type === "awaiting the rest") state.cancel();
    if (decision === "wait") state = { type: isOver ? "overdue" : "waiting" };
    else if (decision === "answer once gathered") state = { type: "gathering", cancel: clock.after(gatherMs, leave) };
    else state = { type: "awaiting the rest", cancel: clock.after(restMs, leave) };
  }

  const leave = (): void => end(closeCode.normal);

  function end(code: number): void {
    if (state.type === "ended") return;
    if ("cancel" in state) state.cancel();
    state = { type: "ended" };
    for (const cancel of timers) cancel();
    request.signal.removeEventListener("abort", leave);
    // Later: the connection is still inside the call that made it end.
    queueMicrotask(() => events?.closed(code));
    if (got.cursor !== undefined && (got.log === "live" || got.news !== "none")) {
      resolve(jsonResponse(200, `{"cursor":${JSON.stringify(got.cursor)},"frames":[${got.frames.join(",")}]}`));
    } else if (code === closeCode.sessionEnded) resolve(problem("unauthenticated", "The session has ended"));
    else if (code === closeCode.rateLimited) resolve(tooManyConnections());
    else reject(new ChatError("unavailable", "The connection ended before there was an answer"));
  }

  function sendWatch(): void {
    if (state.type === "ended") return;
    events?.receive(JSON.stringify({ type: "watch", users: [...unseen] }));
    const giveUp = (): void => {
      unseen.clear();
      update();
    };
    timers.push(clock.after(snapshotMsMax, giveUp));
  }

  request.signal.addEventListener("abort", leave);
  events = connect(
    {
      send(text) {
        if (state.type === "ended") return false;
        const { type } = collect(got, text);
        if (type === "welcome" && watch !== undefined) queueMicrotask(sendWatch);
        update();
        return true;
      },
      // Nothing leaves before the answer: it holds as much as the buffer of one socket, and the client asks for the rest.
      bufferedBytes: () => got.bytes,
      ping: () => queueMicrotask(() => events?.pong()),
      close: end,
      terminate: () => end(closeCode.tooSlow),
    },
    session,
    {
      device,
      admittedAt: askedAt,
      ...(from !== undefined && { cursor: from }),
      ...(level !== undefined && { level: Math.min(level, levelMax) }),
    },
  );
  return promise;
}
