import type { Feed } from "../feed/feed.ts";
import type { Clock } from "../internal/clock.ts";
import type { Consequences } from "../log/log-kind.ts";
import { applyConsequences } from "../log/log-kinds.ts";
import { type Identity, identityKey, type LogEntry } from "../model.ts";
import type { Limits } from "../protocol/limits.ts";
import { type Blocker, countedMax, type Reader, type UnackedStore } from "../store/push/unacked-store.ts";
import { createLogAge } from "./log-age.ts";
import { delayMsOf, type PushDelays, type PushPresence } from "./decide.ts";

/** Somebody for whom there is something, from `n` on. */
type Stir = {
  readonly identity: Identity;
  n: number;
  dueAt: number;
  /** How often there was something. */
  marks: number;
  /** A device of theirs has no connection: it is told at once. */
  isAway: boolean;
};
/** An address, up to where its messages are to be told of, and how many these are. */
type Ready = { readonly address: number; readonly upTo: number; readonly count: number };
/** A notification may be over: its user has read it, or has blocked its sender. */
type Over<Cause> = { readonly cause: Cause; readonly dueAt: number };

export type FollowerOptions = {
  readonly store: UnackedStore;
  readonly feed: Pick<Feed, "onEntries" | "position">;
  readonly clock: Clock;
  readonly limits: Pick<Limits, "pushUsersMax" | "ackMessagesMax">;
  readonly delays: PushDelays;
  readonly holder: () => string;
  /** Names of the providers there are, and of those that need no address. */
  readonly providers: ReadonlySet<string>;
  readonly userProviders: readonly string[];
  /** "unknown": another node is being asked, and it is to be looked at again. */
  readonly presenceOf: (identity: Identity, device: string) => PushPresence | "unknown";
  /** Whether the store answers. */
  readonly isAvailable: () => boolean;
  /** Something has become due. */
  readonly onDue: () => void;
  readonly report: (fault: unknown) => void;
};

/** What comes within so short a time is looked at together. */
const gatherMs = 50;
const ageStepMs = 100;
/** After the store has failed. */
const againMs = 1_000;
/** Users looked at in one query, each with as many addresses as one may have: a few milliseconds of the event loop. */
const usersAtOnce = 100;
/** Conversations that were read, and people who were blocked, in one commit: each has a notification on as many devices as one may have. */
const causesAtOnce = 50;
/** What of an address is made due in one commit, where there is more than is counted. */
const wholeCommit = Infinity;
/** Places of the log read at once where the worker is behind. */
const stretchMax = 5_000;

/**
 * Follows the log and finds out who has not acked in time. It remembers users, not messages, and no more of them than `pushUsersMax`: while
 * there are more it reads no further, for the log is the buffer. What it found goes into the store; up to `position` nothing
 * is remembered here alone.
 */
export function createFollower(options: FollowerOptions) {
  const {
    store,
    feed,
    clock,
    limits,
    delays,
    holder,
    providers,
    userProviders,
    presenceOf,
    isAvailable,
    onDue,
    report,
  } = options;
  const stirs = new Map<string, Stir>();
  const reads = new Map<string, Over<Reader>>();
  const blocks = new Map<string, Over<Blocker>>();
  const ages = createLogAge(clock, { stepMs: ageStepMs, keptMs: Math.max(delays.activeMs, delays.idleMs) + ageStepMs });
  /** Changes with each start: what an older one still waits for is void. */
  let run = 0;
  let isRunning = false;
  /** Everything up to here is remembered, or done. */
  let position = 0;
  /** Takes what the feed announces, as it comes; else the log is read. */
  let isLive = false;
  let isReading = false;
  let isLooking = false;
  let wakesAt = Infinity;
  let cancelWake = (): void => {};

  const isFull = (): boolean => stirs.size + reads.size + blocks.size >= limits.pushUsersMax;

  function stir(tenant: string, user: string, n: number): void {
    const key = identityKey({ tenant, user });
    const known = stirs.get(key);
    if (known) known.marks++;
    if (known && !known.isAway) return;
    const dueAt = Math.min(clock.elapsed() + gatherMs, known?.dueAt ?? Infinity);
    if (known) known.dueAt = dueAt;
    else stirs.set(key, { identity: { tenant, user }, n, dueAt, marks: 0, isAway: false });
    wakeIn(dueAt - clock.elapsed());
  }

  function noteRead(reader: Reader): void {
    const key = `${identityKey(reader)} ${reader.conversation}`;
    if (reads.has(key)) return;
    // Their devices are told of it by the log first, and take their notifications away by themselves.
    reads.set(key, { cause: reader, dueAt: clock.elapsed() + delays.activeMs });
    wakeIn(delays.activeMs);
  }

  function noteBlock(blocker: Blocker): void {
    const key = `${identityKey(blocker)} ${blocker.other}`;
    if (blocks.has(key)) return;
    blocks.set(key, { cause: blocker, dueAt: clock.elapsed() + gatherMs });
    wakeIn(gatherMs);
  }

  const consequences: Consequences = {
    markPending: ({ tenant, user }, n) => stir(tenant, user, n),
    noteRead,
    noteBlock,
  };

  function take(entries: readonly LogEntry[], upTo: number): void {
    ages.note(upTo);
    if (!isRunning || !isLive || upTo <= position) return;
    for (const entry of entries) applyConsequences(entry, consequences);
    position = upTo;
    if (isFull()) isLive = false;
  }
  feed.onEntries(take);

  /** Reads the log where the feed was not followed, until it can be again. */
  async function catchUp(): Promise<void> {
    if (isReading || isLive || !isRunning) return;
    isReading = true;
    const mine = run;
    try {
      while (mine === run && !isFull()) {
        const head = feed.position();
        if (position >= head) {
          isLive = true;
          return;
        }
        const upTo = Math.min(head, position + stretchMax);
        const { recipients, readers, blockers } = await store.pendingBetween(position, upTo);
        if (mine !== run) break;
        for (const { tenant, user, n } of recipients) stir(tenant, user, n);
        for (const reader of readers) noteRead(reader);
        for (const blocker of blockers) noteBlock(blocker);
        position = upTo;
      }
    } catch (fault) {
      report(fault);
      wakeIn(againMs);
    } finally {
      isReading = false;
    }
    // It was started anew meanwhile, and could not read while this did.
    if (mine !== run) void catchUp();
  }

  function wakeIn(ms: number): void {
    const at = clock.elapsed() + ms;
    if (!isRunning || at >= wakesAt) return;
    cancelWake();
    wakesAt = at;
    cancelWake = clock.after(ms, () => {
      wakesAt = Infinity;
      void wake();
    });
  }

  async function wake(): Promise<void> {
    if (isLooking || !isRunning) return;
    // While the store is away one probe asks for it, and nobody else.
    if (!isAvailable()) return wakeIn(againMs);
    isLooking = true;
    const mine = run;
    try {
      await lookAtStirs(mine);
      await lookAtOver(reads, store.wakeRead, mine);
      await lookAtOver(blocks, store.wakeBlocked, mine);
    } catch (fault) {
      report(fault);
      wakeIn(againMs);
    } finally {
      isLooking = false;
    }
    // It was started anew meanwhile, and could not look while this did.
    if (mine !== run) return void wake();
    void catchUp();
    let next = Infinity;
    for (const { dueAt } of stirs.values()) next = Math.min(next, dueAt);
    for (const { dueAt } of [...reads.values(), ...blocks.values()]) next = Math.min(next, dueAt);
    if (next < Infinity) wakeIn(Math.max(1, next - clock.elapsed()));
  }

  async function lookAtStirs(mine: number): Promise<void> {
    const now = clock.elapsed();
    const due = [...stirs.values()].filter(({ dueAt }) => dueAt <= now);
    for (let i = 0; i < due.length && mine === run; i += usersAtOnce) {
      if (i > 0) await othersTurn();
      await look(due.slice(i, i + usersAtOnce), mine);
    }
  }

  /** A store on a file answers before anybody else had their turn. */
  const othersTurn = (): Promise<void> => new Promise((resolve) => clock.defer(resolve));

  /** Makes messages due, so many in one commit: an address of which more wait than were counted has one of its own. */
  async function enqueue(ready: readonly Ready[], mine: number): Promise<void> {
    let part: Ready[] = [];
    let weight = 0;
    for (const [i, each] of ready.entries()) {
      const own = each.count < countedMax ? each.count : wholeCommit;
      if (part.length > 0 && weight + own > limits.ackMessagesMax) {
        await store.enqueue(holder(), part);
        await othersTurn();
        if (mine !== run) return;
        [part, weight] = [[], 0];
      }
      part.push(each);
      weight += own;
      if (i === ready.length - 1) await store.enqueue(holder(), part);
    }
  }

  async function look(due: readonly Stir[], mine: number): Promise<void> {
    const marks = due.map((each) => each.marks);
    const people = due.map(({ identity, n }) => ({ ...identity, n }));
    if (userProviders.length > 0)
      await store.addressUsers(holder(), people, { providers: userProviders, now: clock.now() });
    const found = await store.undecided(people);
    if (mine !== run) return;
    const now = clock.elapsed();
    const ready: Ready[] = [];
    for (const each of due) each.isAway = false;
    const left = new Map<Stir, { n: number; dueAt: number }>();
    for (const { i, address, provider, device, n, count } of found) {
      const each = due[i];
      if (!each || !providers.has(provider)) continue;
      const presence = presenceOf(each.identity, device);
      const delayMs = presence === "unknown" ? 0 : delayMsOf(presence, delays);
      if (delayMs === 0) each.isAway = true;
      if (n === null) continue;
      const upTo = ages.reached(delayMs);
      const isReady = presence !== "unknown" && n <= upTo;
      if (isReady) ready.push({ address, upTo, count });
      // Behind what is ready there may be more: that is asked next time.
      const dueAt = isReady ? now : now + Math.max(ageStepMs, delayMs - ages.of(n));
      const known = left.get(each);
      left.set(each, { n: Math.min(n, known?.n ?? n), dueAt: Math.min(dueAt, known?.dueAt ?? dueAt) });
    }
    if (ready.length > 0) {
      await enqueue(ready, mine);
      if (mine !== run) return;
      onDue();
    }
    for (const [i, each] of due.entries()) {
      const rest = left.get(each);
      if (rest) {
        each.n = rest.n;
        each.dueAt = rest.dueAt;
      } else if (each.marks === marks[i]) stirs.delete(identityKey(each.identity));
      else each.dueAt = now;
    }
  }

  /** Makes due the notifications that are over for some of these causes at a time. */
  async function lookAtOver<Cause>(
    over: Map<string, Over<Cause>>,
    wakeNotices: (holder: string, causes: readonly Cause[], now: number) => Promise<boolean>,
    mine: number,
  ): Promise<void> {
    const now = clock.elapsed();
    const due = [...over].filter(([, { dueAt }]) => dueAt <= now);
    for (let i = 0; i < due.length && mine === run; i += causesAtOnce) {
      if (i > 0) await othersTurn();
      if (mine !== run) return;
      const part = due.slice(i, i + causesAtOnce);
      const isAny = await wakeNotices(
        holder(),
        part.map(([, { cause }]) => cause),
        clock.now(),
      );
      if (mine !== run) return;
      for (const [key] of part) over.delete(key);
      if (isAny) onDue();
    }
  }

  function start(from: number): void {
    run++;
    isRunning = true;
    isLive = false;
    position = Math.min(from, feed.position());
    stirs.clear();
    reads.clear();
    blocks.clear();
    ages.note(feed.position());
    void catchUp();
  }

  return {
    /** Goes on from a place up to which everything was looked at. */
    start,
    stop(): void {
      run++;
      isRunning = false;
      cancelWake();
      wakesAt = Infinity;
      stirs.clear();
      reads.clear();
      blocks.clear();
    },
    /** Nothing up to here is remembered by this process alone. */
    position(): number {
      let n = position;
      for (const each of stirs.values()) n = Math.min(n, each.n - 1);
      for (const { cause } of [...reads.values(), ...blocks.values()]) n = Math.min(n, cause.n - 1);
      return n;
    },
    /** For how long a place of the log has been there. */
    ageOf: (n: number): number => ages.of(n),
    /** Sizes of what is held: 0 once everybody has been looked at. */
    sizes: () => ({ stirred: stirs.size, readers: reads.size, blockers: blocks.size }),
  };
}

export type Follower = ReturnType<typeof createFollower>;
