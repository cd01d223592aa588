import type { Feed } from "../feed/feed.ts";
import { createLease } from "../feed/lease.ts";
import { backoffMs } from "../internal/backoff.ts";
import { type Clock, nextTurn } from "../internal/clock.ts";
import type { Random } from "../internal/random.ts";
import { waitAtMost, withDeadline } from "../internal/deadline.ts";
import type { Limits } from "../protocol/limits.ts";
import type { MessageStretch, Store } from "../store/store.ts";
import type { HookHealth } from "./hook-health.ts";
import type { AcceptedMessage, NamedHook } from "./message-hook.ts";
import { replyIdOf } from "./reply-id.ts";
import { createHookRun, type HookRun } from "./run.ts";

export type HookFollowerOptions = {
  readonly hook: NamedHook;
  readonly store: Pick<Store, "messages" | "places">;
  readonly feed: Pick<Feed, "onEntries" | "position">;
  readonly clock: Clock;
  readonly random: Random;
  readonly limits: Pick<Limits, "hookAnswerMs" | "hookRetryMs" | "hookRetryMsMax" | "hookLeaseMs">;
  /** No other process can have the database open. */
  readonly isExclusive: boolean;
  readonly health: HookHealth;
  /** A call of the store has failed; it is tried again. */
  readonly report: (fault: unknown) => void;
};

/** Follows the log for one hook of the host. Of several nodes on one database, one does it at a time. */
export type HookFollower = {
  /** Makes the hook's position in a database that does not know it yet. Rejects with `unavailable`. */
  begin(): Promise<void>;
  /** Follows the log from then on, while the lease is held. */
  start(): void;
  /** Stops at once and writes nothing more: the history that it followed has ended. */
  abandon(): void;
  /** Begins no further call, waits for the one under way, keeps its position, and gives its lease to another node. */
  stop(deadlineMs: number): Promise<void>;
  /** Whether there is something to do, or to write, here. */
  isBusy(): boolean;
};

type Logged = MessageStretch["messages"][number];

/** Messages of one page: the work of one turn of the event loop, if the calls end at once. */
const pageMessagesMax = 64;
/** The position is written at most once in this time: after a crash the calls since then are repeated. */
const keepEveryMs = 200;
/** After the store has failed, and while it is unknown whether the lease is still held. */
const retryMs = 1_000;

/** Calls the hook for each message, in the order of the log. */
export function createHookFollower(options: HookFollowerOptions): HookFollower {
  const { hook, store, feed, clock, random, limits, isExclusive, health, report } = options;
  const place = `onMessage ${hook.name}`;
  const self = {};
  let run: HookRun | null = null;
  let running: Promise<void> = Promise.resolve();
  /** The last position of the run that has ended. */
  let last = 0;

  const lease = createLease({
    ...{ store: store.places.place(place), clock, isAlone: isExclusive, report, leaseMs: limits.hookLeaseMs },
    newName: () => random.messageId(clock.now()),
    position: () => run?.position ?? last,
    onTaken(n) {
      run = createHookRun(clock, n);
      running = follow(run);
    },
    onLost: end,
  });
  feed.onEntries(() => run?.noteNews());

  function end(): void {
    const ended = run;
    if (ended === null) return;
    last = ended.position;
    run = null;
    ended.end();
    health.left(self, hook.name);
  }

  /** In how many milliseconds the position must be written; Infinity: it was. */
  const keepInMs = ({ handled, kept, keptAt }: HookRun): number =>
    handled > kept ? keptAt + keepEveryMs - clock.elapsed() : Infinity;

  async function follow(mine: HookRun): Promise<void> {
    while (mine.goesOn()) {
      try {
        if (keepInMs(mine) <= 0) await keep(mine);
        else if (mine.position >= feed.position()) await mine.pause(keepInMs(mine), { wantsNews: true });
        else await readOn(mine);
      } catch (fault) {
        report(fault);
        await mine.pause(retryMs);
      }
    }
  }

  async function keep(mine: HookRun): Promise<void> {
    const { position } = mine;
    await lease.keep();
    mine.kept = position;
    mine.keptAt = clock.elapsed();
  }

  async function readOn(mine: HookRun): Promise<void> {
    const { messages, upTo } = await store.messages(mine.position, pageMessagesMax);
    for (const message of messages) {
      // An event of a group is no message of a user.
      if (message.event === undefined && !(await handle(mine, message))) return;
      mine.position = message.n;
      mine.handled = message.n;
      if (keepInMs(mine) <= 0) await keep(mine);
    }
    // A copy of the database that lags behind the feed has nothing new yet.
    if (messages.length === 0 && upTo <= mine.position) return await mine.pause(retryMs, { wantsNews: true });
    mine.position = Math.max(mine.position, upTo);
    await nextTurn(clock);
  }

  /** Calls the hook until it succeeds; false where this run must not go on. */
  async function handle(mine: HookRun, { n: _, ...message }: Logged): Promise<boolean> {
    for (let attempt = 0; mine.goesOn();) {
      if (!lease.isHeld()) {
        await mine.pause(retryMs);
        continue;
      }
      try {
        await mine.during((abort) => callHook(options, message, { attempt, abort }));
        // The next holder of the lease calls again: the result of this call must not be written.
        if (mine.isEnded()) return false;
        health.succeeded(self, hook.name);
        return true;
      } catch (error) {
        if (mine.isEnded()) return false;
        health.failed(self, { hook: hook.name, error, tenant: message.tenant, messageId: message.id });
        await mine.pause(backoffMs(random, { attempt, minMs: limits.hookRetryMs, maxMs: limits.hookRetryMsMax }));
        attempt++;
      }
    }
    return false;
  }

  return {
    begin: () => store.places.begin(place, hook.begin),
    start: lease.start,
    abandon() {
      lease.abandon();
      end();
    },
    async stop(deadlineMs) {
      run?.beginEnd();
      await waitAtMost(running, { clock, ms: (deadlineMs * 3) / 4 });
      end();
      await waitAtMost(lease.stop(), { clock, ms: deadlineMs / 4 }).catch(report);
    },
    isBusy: () => run !== null && (run.position < feed.position() || run.handled > run.kept),
  };
}

/**
 * Calls the hook about one message. Rejects with the hook's error, or after `hookAnswerMs`, and aborts the signal then. Resolves at once where `abort`
 * is aborted from outside.
 */
async function callHook(
  { hook, clock, limits }: HookFollowerOptions,
  message: AcceptedMessage,
  { attempt, abort }: { readonly attempt: number; readonly abort: AbortController },
): Promise<void> {
  const { signal } = abort;
  const ended = new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
  const replyId = (purpose = ""): Promise<string> => replyIdOf(message, { hook: hook.name, purpose });
  const called = async (): Promise<void> => hook.handle({ ...message }, { attempt, signal, replyId });
  try {
    const who = `onMessage (${hook.name})`;
    await withDeadline(Promise.race([called(), ended]), { clock, ms: limits.hookAnswerMs, who });
  } catch (error) {
    abort.abort();
    throw error;
  }
}
