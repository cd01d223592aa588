import { pause } from "../../internal/clock.ts";
import type { Reply, WorkHandler } from "../api.ts";
import type { Environment } from "../environment.ts";
import type { MessageRow, Target } from "../vault/rows.ts";
import { digits, formatId } from "./ids.ts";

/** Hands messages to a bot's own code, one after the other, each before any cursor that covers it is stored. */
export interface Worker {
  /** Runs `handler` from now on, in the place of the one before; resolves when `signal` is aborted, another one runs, or the client is closed. */
  run(handler: WorkHandler, signal?: AbortSignal): Promise<void>;
  close(): void;
  isWorking(): boolean;
  /** Resolves when the handler has returned for each of the messages of others; rejects if work ends before: the next run gets them. */
  handle(messages: readonly MessageRow[]): Promise<void>;
}

export type WorkerOptions = {
  readonly self: string;
  readonly clock: Environment["clock"];
  /** Keeps a reply in the outbox under the given id, unless one of this id is there. */
  readonly reply: (target: Target, message: { readonly id: string; readonly text: string }) => Promise<void>;
  readonly onFault: (fault: unknown) => void;
};

/** A message that comes again, as after a reconnect, is known for this many others. */
const handledMax = 2_000;
/** How long a handler that has thrown rests before its next try: doubled with each. */
const retryMsMin = 500;
const retryMsMax = 60_000;

/** Why a message was not handled. */
class WorkEnded extends Error {
  constructor() {
    super("The work has ended");
  }
}

export function createWorker({ self, clock, reply, onFault }: WorkerOptions): Worker {
  let work: WorkHandler | null = null;
  let end = (): void => {};
  let last: Promise<void> = Promise.resolve();
  const handled = new Set<string>();

  async function handleOne(message: MessageRow): Promise<void> {
    const key = `${message.seq} ${message.conversation} ${message.id}`;
    if (message.from === self || message.deleted !== undefined || handled.has(key)) return;
    for (let ms = retryMsMin; ; ms = Math.min(2 * ms, retryMsMax))
      try {
        if (work === null) throw new WorkEnded();
        await work(message, replyTo(message));
        break;
      } catch (fault) {
        if (fault instanceof WorkEnded) throw fault;
        onFault(fault);
        await pause(clock, ms);
      }
    handled.add(key);
    if (handled.size > handledMax) for (const first of handled) return void handled.delete(first);
  }

  function replyTo(message: MessageRow): Reply {
    let count = 0;
    return async (text) => await reply({ conversation: message.conversation }, { id: replyId(message, count++), text });
  }

  return {
    async run(handler, signal) {
      end();
      const mine: WorkHandler = (message, reply) => handler(message, reply);
      work = mine;
      await new Promise<void>((resolve) => {
        end = () => {
          signal?.removeEventListener("abort", end);
          resolve();
        };
        signal?.addEventListener("abort", end);
        if (signal?.aborted === true) end();
      });
      if (work === mine) work = null;
    },
    close: () => end(),
    isWorking: () => work !== null,
    handle(messages) {
      const next = last.then(async () => {
        for (const message of messages) await handleOne(message);
      });
      last = next.catch(() => {});
      return next;
    },
  };
}

/**
 * The id of the reply number `count` to a message: the same in every run, so that a bot which is ended between its reply and its cursor replies once. In the form of a
 * UUIDv7 with the message's time, so that replies grow as the messages do.
 */
export function replyId({ conversation, seq, time }: MessageRow, count: number): string {
  const name = `${conversation} ${seq} ${count}`;
  const rest = digits(fnv1a(name, 0x811c9dc5), 8) + digits(fnv1a(name, 0x9e3779b9), 8);
  return formatId({ time, counter: count, rest });
}

/** FNV-1a, 32 bits. */
function fnv1a(text: string, seed: number): number {
  let hash = seed;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash >>> 0;
}
