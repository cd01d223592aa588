import type { Feed } from "../feed/feed.ts";
import { createLease } from "../feed/lease.ts";
import { backoffMs } from "../internal/backoff.ts";
import type { Clock } from "../internal/clock.ts";
import type { Random } from "../internal/random.ts";
import { waitAtMost, withDeadline } from "../internal/deadline.ts";
import type { Limits } from "../protocol/limits.ts";
import type { MessageStretch, Store } from "../store/store.ts";
import type { HookHealth } from "./hook-health.ts";
import type { AcceptedMessage, NamedHook } from "./message-hook.ts";
import { replyIdOf } from "./reply-id.ts";

export type HookFollowerOptions = {
  readonly hook: NamedHook;
  readonly store: Pick<Store, "messages" | "places">;
  readonly feed: Pick<Feed, "onEntries" | "position">;
  readonly clock: Clock;
  readonly random: Random;
  readonly limits: Pick<Limits, "hookAnswerMs" | "hookRetryMs" | "hookRetryMsMax" | "hookLeaseMs">;
  /** No other process can have the database open. */
  readonly isAlone: boolean;
  readonly health: HookHealth;
  /** What the store could not do; it is tried again. */
  readonly report: (fault: unknown) => void;
};

/** What was read of the log, and up to where. */
type Logged = MessageStretch["messages"][number];

/** One stretch of time in which the place is ours. */
type Run = {
  /** Everything up to here was handled. */
  position: number;
  /** The last message that was handled, and up to where the database knows of it. */
  handled: number;
  kept: number;
  keptAt: number;
  /** What ends the call that is under way; null: there is none. */
  call: AbortController | null;
  /** No further call begins. */
  isEnding: boolean;
  /** Ends the pause that is under way. */
  wake: () => void;
  /** Whether news of the log end that pause too. */
  wantsNews: boolean;
};

/** Messages of one page: what one turn of the event loop may have to do where calls end at once. */
const pageMessagesMax = 64;
/** How far the hook has got is written so often at most: a crash repeats what was handled in between. */
const keepEveryMs = 200;
/** After the store has failed, and while it is not known whether the place is still ours. */
const againMs = 1_000;

/** Follows the log for one hook of the host: calls it for each message, in the order of the log, on one node at a time. */
export function createHookFollower(options: HookFollowerOptions) {
  const { hook, store, feed, clock, random, limits, isAlone, health, report } = options;
  const place = `onMessage ${hook.name}`;
  const self = {};
  let run: Run | null = null;
  let running: Promise<void> = Promise.resolve();
  /** Up to where everything was handled, once the place is no longer ours. */
  let last = 0;

  const lease = createLease({
    ...{ store: store.places.place(place), clock, isAlone, report, leaseMs: limits.hookLeaseMs },
    newName: () => random.messageId(clock.now()),
    position: () => run?.position ?? last,
    onTaken(n) {
      const began = { position: n, handled: n, kept: n, keptAt: -Infinity, call: null, wake() {}, wantsNews: false };
      const mine: Run = { ...began, isEnding: false };
      run = mine;
      running = follow(mine);
    },
    onLost: end,
  });
  feed.onEntries(() => {
    if (run?.wantsNews) run.wake();
  });

  /** Stops at once: what is under way is told, and its end is of no interest. */
  function end(): void {
    const ended = run;
    if (ended === null) return;
    last = ended.position;
    run = null;
    ended.call?.abort();
    ended.wake();
    health.left(self, hook.name);
  }

  /** `wantsNews`: news of the log end it as well. */
  async function pause(mine: Run, ms: number, { wantsNews = false } = {}): Promise<void> {
    if (run !== mine || mine.isEnding) return;
    await new Promise<void>((resolve) => {
      const cancel = ms === Infinity ? () => {} : clock.after(ms, () => mine.wake());
      mine.wantsNews = wantsNews;
      mine.wake = () => {
        cancel();
        mine.wake = () => {};
        mine.wantsNews = false;
        resolve();
      };
    });
  }

  const goesOn = (mine: Run): boolean => run === mine && !mine.isEnding;
  /** In how many milliseconds what was handled is to be written; Infinity: all of it was. */
  const keepInMs = (mine: Run): number =>
    mine.handled > mine.kept ? mine.keptAt + keepEveryMs - clock.elapsed() : Infinity;

  async function follow(mine: Run): Promise<void> {
    while (goesOn(mine)) {
      try {
        if (keepInMs(mine) <= 0) await keep(mine);
        else if (mine.position >= feed.position()) await pause(mine, keepInMs(mine), { wantsNews: true });
        else await readOn(mine);
      } catch (fault) {
        report(fault);
        await pause(mine, againMs);
      }
    }
  }

  async function keep(mine: Run): Promise<void> {
    const { position } = mine;
    await lease.keep();
    mine.kept = position;
    mine.keptAt = clock.elapsed();
  }

  async function readOn(mine: Run): Promise<void> {
    const { messages, upTo } = await store.messages(mine.position, pageMessagesMax);
    for (const message of messages) {
      if (!(await handle(mine, message))) return;
      mine.position = message.n;
      mine.handled = message.n;
      if (keepInMs(mine) <= 0) await keep(mine);
    }
    // A copy of the database that lags behind the feed has nothing new yet.
    if (messages.length === 0 && upTo <= mine.position) return await pause(mine, againMs, { wantsNews: true });
    mine.position = Math.max(mine.position, upTo);
    // A file answers before anybody else had their turn, and a handler may too.
    await new Promise<void>((resolve) => clock.defer(resolve));
  }

  /** Calls the hook until it has succeeded; false where it is not to go on here. */
  async function handle(mine: Run, { n: _, ...message }: Logged): Promise<boolean> {
    for (let attempt = 0; goesOn(mine);) {
      if (!lease.isHeld()) {
        await pause(mine, againMs);
        continue;
      }
      try {
        await call(mine, message, attempt);
        // Whoever has the place now calls again: what has become of this call is not ours to write.
        if (run !== mine) return false;
        health.succeeded(self, hook.name);
        return true;
      } catch (error) {
        if (run !== mine) return false;
        health.failed(self, { hook: hook.name, error, tenant: message.tenant, messageId: message.id });
        const [minMs, maxMs] = [limits.hookRetryMs, limits.hookRetryMsMax];
        await pause(mine, backoffMs(random, { attempt, minMs, maxMs }));
        attempt++;
      }
    }
    return false;
  }

  async function call(mine: Run, message: AcceptedMessage, attempt: number): Promise<void> {
    const controller = new AbortController();
    const { signal } = controller;
    mine.call = controller;
    const ended = new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
    const replyId = (purpose = ""): Promise<string> => replyIdOf(hook.name, message, purpose);
    const called = async (): Promise<void> => hook.handle({ ...message }, { attempt, signal, replyId });
    try {
      await withDeadline(Promise.race([called(), ended]), {
        clock,
        ms: limits.hookAnswerMs,
        who: `onMessage (${hook.name})`,
      });
    } catch (error) {
      controller.abort();
      throw error;
    } finally {
      mine.call = null;
    }
  }

  return {
    /** Makes the hook's place in a database that does not know it yet. Rejects with `unavailable`. */
    begin: (): Promise<void> => store.places.begin(place, hook.begin),

    /** Follows the log from then on, while the place is ours. */
    start: lease.start,

    /** Stops at once and writes nothing more: the history that it followed has ended. */
    abandon(): void {
      lease.abandon();
      end();
    },

    /** Begins no further call, waits for the one under way, keeps how far it has got, and gives its place to another node. */
    async stop(deadlineMs: number): Promise<void> {
      if (run !== null) {
        run.isEnding = true;
        if (run.call === null) run.wake();
      }
      await waitAtMost(running, { clock, ms: (deadlineMs * 3) / 4 });
      end();
      await waitAtMost(lease.stop(), { clock, ms: deadlineMs / 4 }).catch(report);
    },

    /** Whether there is something to do, or to write, here. */
    isBusy: (): boolean => run !== null && (run.position < feed.position() || run.handled > run.kept),
  };
}

export type HookFollower = ReturnType<typeof createHookFollower>;
