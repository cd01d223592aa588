import type { Clock } from "../internal/clock.ts";
import { type Identity, identityKey, type Relationship } from "../model.ts";
import { encodeFrame } from "../protocol/encode.ts";
import type { Store } from "../store/store.ts";
import type { Cluster } from "./cluster.ts";
import { Few } from "./few.ts";
import type { Policy } from "../access/policy.ts";
import { isBlockedBetween, type RelationshipCache } from "./relationship-cache.ts";
import type { WatchBudget } from "./watch-budget.ts";

/** The smallest part of a connection that watches others. */
export type Viewer = {
  readonly session: Identity;
  /** Sends something volatile; false where the socket is not keeping up and it was dropped. */
  readonly hint: (text: string) => boolean;
  /** Whether the socket is not keeping up: then nothing is worth finding out for it. */
  readonly isBehind: () => boolean;
};

/** How somebody is for a viewer: online, offline without more, or when they were last seen. */
type State = "online" | "offline" | number;

type Watch = {
  readonly viewer: Viewer;
  /** How each is as the viewer was last told; null: not yet. What is as it was is not told: that would show a hidden one move. */
  readonly users: Map<string, State | null>;
  /** Of whom the viewer has not been told how they are now. */
  readonly stale: Set<string>;
  isTelling: boolean;
};

/** Somebody who is watched. */
type Subject = {
  readonly identity: Identity;
  readonly watchers: Few<Watch>;
  /** How often they came or went. */
  moves: number;
  /** When they were last seen, as the store said a moment ago. */
  seen: { readonly time: number; readonly readAt: number } | null;
};

/** Of whom a viewer is to be told in one round. */
type Ask = { readonly watch: Watch; readonly users: readonly string[] };

export type WatchesOptions = {
  readonly store: Pick<Store, "lastSeen">;
  readonly ties: Pick<RelationshipCache, "ofMany">;
  readonly policy: Pick<Policy, "canSee">;
  readonly clock: Clock;
  readonly report: (fault: unknown) => void;
  readonly budget: WatchBudget;
  readonly viewersOf: (identity: Identity) => Iterable<Viewer>;
  readonly cluster?: Pick<Cluster, "watch" | "unwatch"> | undefined;
  readonly isHere: (identity: Identity) => boolean;
  /** When this process saw somebody go; 0: it does not know. */
  readonly leftAt: (identity: Identity) => number;
};

/** What one turn of the event loop does at most: a few milliseconds of each. */
const watchersAtOnce = 2_000;
const pairsAtOnce = 500;
const namesAtOnce = 1_000;
/** Pairs about which the host may be asked, before others are looked at. */
const pairsUnderWayMax = 2_000;
/** How long it holds when somebody was last seen, as long as they do not move. */
const seenHoldsMs = 5_000;

function frameOf(user: string, state: State): string {
  if (state === "online") return encodeFrame({ type: "presence", user, state });
  return encodeFrame({ type: "presence", user, state: "offline", ...(state !== "offline" && { lastSeen: state }) });
}

/**
 * Who watches whom, and telling them. Each watch keeps of whom its viewer was not told yet, and tells how they are by then: what a slow
 * socket has dropped is told later, and only the newest of it. Whom the viewer may not see is offline and was never seen, as is who does not
 * exist.
 *
 * However many watch one person, or one person watches, a turn of the event loop does a part of it: it marks some watchers of somebody who
 * moved, and asks for some pairs together.
 */
export function createWatches(options: WatchesOptions) {
  const { store, ties, policy, clock, report, budget, viewersOf, cluster, isHere, leftAt } = options;
  const watches = new Map<Viewer, Watch>();
  const subjects = new Map<string, Subject>();
  /** Those who moved, with their watchers that do not know of it yet; `isAgain`: they have moved since. */
  const spreading = new Map<Subject, { readonly left: Iterator<Watch>; isAgain: boolean }>();
  /** Watches with something to tell, and those that must wait for the next beat. */
  const pending = new Set<Watch>();
  const later = new Set<Watch>();
  /** Frames that wait until it is their turn to be taken up. */
  const waiting = new Map<Viewer, { readonly users: readonly string[]; readonly settle: (isTaken: boolean) => void }>();
  let namesTaken = 0;
  let isPumping = false;
  let isAway = false;
  let isStopped = false;
  let pairsUnderWay = 0;

  const isCurrent = (watch: Watch): boolean => watches.get(watch.viewer) === watch;
  const subjectOf = (watch: Watch, user: string): Subject | undefined =>
    subjects.get(identityKey({ tenant: watch.viewer.session.tenant, user }));

  /** Somebody has come or gone. */
  function moved(identity: Identity): void {
    const subject = subjects.get(identityKey(identity));
    if (!subject) return;
    subject.moves++;
    subject.seen = null;
    const known = spreading.get(subject);
    if (known) known.isAgain = true;
    else spreading.set(subject, { left: subject.watchers[Symbol.iterator](), isAgain: false });
    wake();
  }

  /** Lets some watchers of those who moved know that they have something to tell. */
  function spread(): void {
    let room = watchersAtOnce;
    for (const [subject, { left, isAgain }] of spreading) {
      for (let next = left.next(); ; next = left.next()) {
        if (next.done === true) break;
        mark(next.value, subject.identity.user);
        if (--room === 0) return;
      }
      spreading.delete(subject);
      if (isAgain) spreading.set(subject, { left: subject.watchers[Symbol.iterator](), isAgain: false });
    }
  }

  function mark(watch: Watch, user: string): void {
    watch.stale.add(user);
    if (!watch.isTelling && !later.has(watch)) pending.add(watch);
  }

  function wake(): void {
    if (isPumping || isStopped) return;
    isPumping = true;
    clock.defer(pump);
  }

  /** One turn's part of all that is to be told. */
  function pump(): void {
    spread();
    const canAsk = !isAway && pairsUnderWay < pairsUnderWayMax;
    const asks = canAsk ? takeAsks() : [];
    round(asks)
      .catch(report)
      .finally(() => {
        isPumping = false;
        const canGoOn = !isAway && pairsUnderWay < pairsUnderWayMax;
        if (spreading.size > 0 || (pending.size > 0 && canGoOn)) wake();
      });
  }

  function takeAsks(): readonly Ask[] {
    const asks: Ask[] = [];
    let room = pairsAtOnce;
    for (const watch of pending) {
      if (room === 0) break;
      pending.delete(watch);
      if (!isCurrent(watch)) continue;
      if (watch.viewer.isBehind()) {
        later.add(watch);
        continue;
      }
      const users: string[] = [];
      for (const user of watch.stale) {
        if (room === 0) break;
        users.push(user);
        watch.stale.delete(user);
        room--;
      }
      watch.isTelling = true;
      asks.push({ watch, users });
    }
    return asks;
  }

  async function round(asks: readonly Ask[]): Promise<void> {
    if (asks.length === 0) return;
    let found: readonly (readonly Relationship[])[];
    try {
      found = await ties.ofMany(asks.map(({ watch, users }) => ({ identity: watch.viewer.session, others: users })));
      await readSeen(asks, found);
    } catch {
      // The store is away, and says so itself: the next beat asks again.
      isAway = true;
      for (const { watch, users } of asks) {
        for (const user of users) watch.stale.add(user);
        end(watch, true);
      }
      return;
    }
    for (const [i, ask] of asks.entries()) show(ask, found[i] ?? []);
  }

  /** Reads when those were last seen who are away, once for all who want to know. */
  async function readSeen(asks: readonly Ask[], found: readonly (readonly Relationship[])[]): Promise<void> {
    const now = clock.elapsed();
    const wanted = new Map<string, Map<Subject, number>>();
    for (const [i, { watch, users }] of asks.entries())
      for (const [j, user] of users.entries()) {
        const subject = subjectOf(watch, user);
        if (!subject || isHere(subject.identity)) continue;
        if (subject.seen && now - subject.seen.readAt < seenHoldsMs) continue;
        if (mayBeVisible(watch, user, found[i]?.[j]) === false) continue;
        const { tenant } = subject.identity;
        wanted.set(tenant, (wanted.get(tenant) ?? new Map<Subject, number>()).set(subject, subject.moves));
      }
    for (const [tenant, of] of wanted) {
      const times = await store.lastSeen(
        tenant,
        Array.from(of.keys(), ({ identity }) => identity.user),
      );
      for (const [subject, moves] of of)
        if (subject.moves === moves) subject.seen = { time: times.get(subject.identity.user) ?? 0, readAt: now };
    }
  }

  /** Oneself always, never behind a block, else as the host says; "ask": it is to be asked. */
  function mayBeVisible({ viewer }: Watch, user: string, tie: Relationship | undefined): boolean | "ask" {
    if (user === viewer.session.user) return true;
    if (!tie || isBlockedBetween(tie)) return false;
    return policy.canSee ? "ask" : tie.hasConversation || tie.isContact;
  }

  /** Tells a viewer of those about whom they were in doubt: at once, or once the host has answered. */
  function show(ask: Ask, found: readonly Relationship[]): void {
    const { watch, users } = ask;
    const visible = users.map((user, i) => mayBeVisible(watch, user, found[i]));
    if (!visible.includes("ask")) return tell(ask, visible);
    pairsUnderWay += users.length;
    Promise.all(visible.map(async (may, i) => (may === "ask" ? await mayHostShow(watch, users[i] ?? "") : may)))
      .then((answers) => tell(ask, answers))
      .catch(report)
      .finally(() => {
        pairsUnderWay -= users.length;
        wake();
      });
  }

  async function mayHostShow({ viewer }: Watch, user: string): Promise<boolean> {
    const { tenant } = viewer.session;
    return (await policy.canSee?.(viewer.session, { tenant, user })) === true;
  }

  function tell({ watch, users }: Ask, visible: readonly unknown[]): void {
    let isFull = false;
    for (const [i, user] of isCurrent(watch) ? users.entries() : []) {
      // What has changed meanwhile is told in the next round.
      if (watch.stale.has(user)) continue;
      const state = visible[i] === true ? stateOf(watch, user) : "offline";
      if (state === null) watch.stale.add(user);
      else if (watch.users.get(user) === state) continue;
      else if (watch.viewer.hint(frameOf(user, state))) watch.users.set(user, state);
      else {
        watch.stale.add(user);
        isFull = true;
      }
    }
    end(watch, isFull);
  }

  /** How somebody is now; null where it was not read when they were last seen. */
  function stateOf(watch: Watch, user: string): State | null {
    const subject = subjectOf(watch, user);
    if (!subject) return "offline";
    if (isHere(subject.identity)) return "online";
    if (subject.seen === null) return null;
    return Math.max(subject.seen.time, leftAt(subject.identity)) || "offline";
  }

  /** A viewer was told what could be told; `mustWait`: the rest is for the next beat. */
  function end(watch: Watch, mustWait: boolean): void {
    watch.isTelling = false;
    if (watch.stale.size === 0 || !isCurrent(watch)) return;
    if (mustWait) later.add(watch);
    else {
      pending.add(watch);
      wake();
    }
  }

  /** False where there is no room for so many. */
  function take(viewer: Viewer, names: readonly string[]): boolean {
    const { tenant } = viewer.session;
    const before = watches.get(viewer);
    const users = new Set(names);
    namesTaken += users.size + (before?.users.size ?? 0);
    if (!budget.move(before?.users.size ?? 0, users.size)) return false;
    if (before) leave(before);
    if (users.size === 0) return true;
    const watch: Watch = { viewer, users: new Map(), stale: users, isTelling: false };
    watches.set(viewer, watch);
    for (const user of users) {
      watch.users.set(user, null);
      const key = identityKey({ tenant, user });
      let subject = subjects.get(key);
      if (!subject) {
        subject = { identity: { tenant, user }, watchers: new Few(), moves: 0, seen: null };
        subjects.set(key, subject);
        cluster?.watch(subject.identity);
      }
      subject.watchers.add(watch);
    }
    pending.add(watch);
    wake();
    return true;
  }

  /** Takes a watch away; its part of the budget is somebody else's to give back. */
  function leave(watch: Watch): void {
    watches.delete(watch.viewer);
    pending.delete(watch);
    later.delete(watch);
    const { tenant } = watch.viewer.session;
    for (const user of watch.users.keys()) {
      const key = identityKey({ tenant, user });
      const subject = subjects.get(key);
      subject?.watchers.delete(watch);
      if (!subject || subject.watchers.size > 0) continue;
      subjects.delete(key);
      spreading.delete(subject);
      cluster?.unwatch(subject.identity);
    }
  }

  /** A new turn of the event loop has room for other names. */
  function takeWaiting(): void {
    namesTaken = 0;
    for (const [viewer, { users, settle }] of waiting) {
      if (namesTaken >= namesAtOnce) break;
      waiting.delete(viewer);
      settle(take(viewer, users));
    }
    if (namesTaken > 0) clock.defer(takeWaiting);
  }

  function forget(viewer: Viewer): void {
    waiting.get(viewer)?.settle(true);
    waiting.delete(viewer);
    const watch = watches.get(viewer);
    if (!watch) return;
    budget.move(watch.users.size, 0);
    leave(watch);
  }

  return {
    moved,
    forget,

    /** Whether it was taken up; a promise where others of this turn come first. */
    watch(viewer: Viewer, users: readonly string[]): boolean | Promise<boolean> {
      if (namesTaken >= namesAtOnce)
        return new Promise((resolve) => void waiting.set(viewer, { users, settle: resolve }));
      const isFirst = namesTaken === 0;
      const isTaken = take(viewer, users);
      if (isFirst && namesTaken > 0) clock.defer(takeWaiting);
      return isTaken;
    },

    review(tenant: string, one: string, other: string): void {
      for (const [user, subject] of [
        [one, other],
        [other, one],
      ] as const)
        for (const viewer of viewersOf({ tenant, user })) {
          const watch = watches.get(viewer);
          if (watch?.users.has(subject) === true) mark(watch, subject);
        }
      if (pending.size > 0) wake();
    },

    /** What could not be told is tried again. */
    beat(): void {
      isAway = false;
      for (const watch of later) pending.add(watch);
      later.clear();
      if (pending.size > 0) wake();
    },

    stop(): void {
      isStopped = true;
      for (const viewer of [...watches.keys(), ...waiting.keys()]) forget(viewer);
    },

    sizes: () => ({ watches: watches.size, watched: subjects.size }),
  };
}
