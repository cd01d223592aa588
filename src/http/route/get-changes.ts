import * as v from "valibot";
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
import { answer, type Call, type Route } from "../call.ts";
import { readParameters, wholeNumber } from "../parameters.ts";
import { problem } from "../../protocol/problem.ts";

/** Shorter than the ten seconds after which Bun, and some proxies, end a connection on which nothing moves. */
const waitSecondsDefault = 8;
const waitSecondsMax = 60;
/** News seldom comes alone: so long more is waited for what belongs to it. */
const gatherMs = 5;
/** Where there is more, and nothing of it comes for so long, the rest is asked for: a process that is short of memory reads no further. */
const moreMs = 100;
/** How those are who are watched is told before there is an answer, unless it takes longer than this. */
const snapshotMsMax = 2_000;

const parameters = ({ watchedUsersMax }: Limits) =>
  v.strictObject({
    device: identifier,
    cursor: v.optional(cursor),
    level: v.optional(wholeNumber(1, 999_999_999, "The highest level of entry that the client understands; else: 1")),
    wait: v.optional(
      wholeNumber(
        0,
        waitSecondsMax,
        `Seconds until there is an answer, where there is no news; else: ${waitSecondsDefault}`,
      ),
    ),
    watch: v.optional(
      v.pipe(
        v.string(),
        v.regex(identifiersForm(watchedUsersMax)),
        v.check((text) => text.split(",").every(isIdentifier)),
        v.metadata({ not: { pattern: foldedAmong } }),
        v.description("Users whose presence is wanted, with commas between them"),
      ),
    ),
  });

/**
 * `GET /changes`: what a socket would tell, for hosts and networks without one. The request is a connection for as long as it waits: it begins at the
 * cursor, which it acks, and answers the frames that a socket would have got as soon as there is news, or when its time is over. Ask again with
 * the `cursor` of the answer.
 */
export const getChanges: Route = {
  about: {
    summary: "What is new for the device behind its cursor: the frames of a socket, once there are any",
    parameters,
    answers: { 200: changesAnswer },
    codes: ["bad_request", "too_many_connections"],
  },
  units: costs.connect,
  handle: async (call) => await wait(call, readParameters(call.request.url, parameters(call.limits))),
};

function wait(
  { request, session, connect, clock, limits, askedAt }: Call,
  {
    device,
    cursor: from,
    level,
    wait: seconds = waitSecondsDefault,
    watch,
  }: v.InferOutput<ReturnType<typeof parameters>>,
): Promise<Response> {
  const { promise, resolve, reject } = deferred<Response>();
  const frames: string[] = [];
  let bytes = 0;
  let place = from;
  let isLive = false;
  /** Whose presence is still to be told as it is now: that is no news. */
  const untold = new Set(watch?.split(","));
  let hasNews = false;
  /** Whether some of what is new in the log is among it. */
  let hasChanges = false;
  let isOver = false;
  let isDone = false;
  let cancelGather: (() => void) | null = null;
  let cancelMore: (() => void) | null = null;
  let cancelSnapshot: (() => void) | null = null;
  let events: SocketEvents | null = null;

  function end(code: number): void {
    if (isDone) return;
    isDone = true;
    for (const cancel of [cancelWait, cancelSnapshot, cancelGather, cancelMore]) cancel?.();
    request.signal.removeEventListener("abort", leave);
    // The connection is still being told what made it end.
    queueMicrotask(() => events?.closed(code));
    if (place !== undefined && (isLive || hasNews)) {
      resolve(answer(200, `{"cursor":${JSON.stringify(place)},"frames":[${frames.join(",")}]}`));
    } else if (code === closeCode.sessionEnded) resolve(problem("unauthenticated", "The session has ended"));
    else if (code === closeCode.rateLimited)
      resolve(problem("too_many_connections", "The limit of open connections is reached"));
    else reject(new ChatError("unavailable", "The connection ended before it had anything to say"));
  }

  const leave = (): void => end(closeCode.normal);

  /** Answers once there is something to say, or the time is over. */
  function look(): void {
    if (isDone) return;
    cancelMore?.();
    const isReady = isLive && untold.size === 0;
    // There may be more than fits: the rest is asked for.
    const isFull = bytes >= limits.outboxBytesMax / 2;
    if (isFull || (isOver && (isLive ? isReady : hasNews))) leave();
    else if (isReady && hasNews) cancelGather ??= clock.after(gatherMs, leave);
    else if (!isLive && hasChanges) cancelMore = clock.after(moreMs, leave);
  }

  function take(frame: string): void {
    frames.push(frame);
    bytes += utf8Bytes(frame);
    const told = JSON.parse(frame) as ServerFrame;
    if ("cursor" in told) place = told.cursor;
    if (told.type === "changes") {
      isLive = !told.more;
      hasChanges ||= told.changes.length > 0;
      hasNews ||= hasChanges;
    } else if (told.type === "welcome") {
      if (watch !== undefined) queueMicrotask(askWhoIsThere);
    } else if (told.type !== "presence" || !untold.delete(told.user)) {
      // What a watch is refused for is told in place of the list.
      if (told.type === "error") untold.clear();
      hasNews = true;
    }
    look();
  }

  function askWhoIsThere(): void {
    events?.receive(JSON.stringify({ type: "watch", users: [...untold] }));
    cancelSnapshot = clock.after(snapshotMsMax, () => {
      untold.clear();
      look();
    });
  }

  const cancelWait = clock.after(1_000 * seconds, () => {
    isOver = true;
    look();
  });
  request.signal.addEventListener("abort", leave);
  const opened = connect(
    {
      send(frame) {
        if (isDone) return false;
        take(frame);
        return true;
      },
      // What was taken goes out with the answer: so a page is as large as one socket's buffer, and the next one is asked for.
      bufferedBytes: () => bytes,
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
  events = opened;
  if (isDone) queueMicrotask(() => opened.closed(closeCode.normal));
  return promise;
}
