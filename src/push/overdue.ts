import { type Clock, nextTurn } from "../internal/clock.ts";
import type { Limits } from "../protocol/limits.ts";
import { countedMax, type Undecided, type UnackedStore } from "../store/push/unacked-store.ts";
import { delayMsOf, type PushDelays, type PushPresence } from "./decide.ts";
import type { Identity } from "../model.ts";
import type { LogAge } from "./log-age.ts";
import type { PendingUser } from "./pending.ts";

export type OverdueOptions = {
  readonly store: Pick<UnackedStore, "undecided" | "addressUsers" | "enqueue">;
  readonly clock: Clock;
  readonly limits: Pick<Limits, "ackMessagesMax">;
  readonly delays: PushDelays;
  readonly logAge: LogAge;
  readonly holder: () => string;
  /** The names of all providers, and of those that notify a user without an address. */
  readonly providers: ReadonlySet<string>;
  readonly userProviders: readonly string[];
  /** "unknown": another node was asked, and the user must be looked at again. */
  readonly presenceOf: (identity: Identity, device: string) => PushPresence | "unknown";
};

/** The messages of an address that become due: up to a position, and their number. */
type Overdue = { readonly address: number; readonly upTo: number; readonly count: number };
/** A user's first message that is not overdue yet, and when to look again. */
type Rest = { readonly n: number; readonly dueAt: number };

/** The least time between two looks at a user: the step in which the age of a log position is known. */
export const ageStepMs = 100;
/** The weight of an address with more messages than were counted: it gets a commit of its own. */
const wholeCommit = Infinity;

/** Finds the devices of pending users that have not acked in time, and makes their messages due. */
export function createOverdueCheck(options: OverdueOptions) {
  const { store, clock, limits, delays, logAge, holder, providers, userProviders, presenceOf } = options;

  /** Makes messages due, a bounded number in one commit. */
  async function enqueue(overdue: readonly Overdue[], isCurrent: () => boolean): Promise<void> {
    let part: Overdue[] = [];
    let weight = 0;
    for (const [i, each] of overdue.entries()) {
      const own = each.count < countedMax ? each.count : wholeCommit;
      if (part.length > 0 && weight + own > limits.ackMessagesMax) {
        await store.enqueue(holder(), part);
        await nextTurn(clock);
        if (!isCurrent()) return;
        [part, weight] = [[], 0];
      }
      part.push(each);
      weight += own;
      if (i === overdue.length - 1) await store.enqueue(holder(), part);
    }
  }

  /** Divides the addresses of users: messages that are overdue, and users to look at again. */
  function divide(users: readonly PendingUser[], found: readonly Undecided[], now: number) {
    const overdue: Overdue[] = [];
    const rests = new Map<PendingUser, Rest>();
    for (const { i, address, provider, device, n, count } of found) {
      const user = users[i];
      if (!user || !providers.has(provider)) continue;
      const presence = presenceOf(user.identity, device);
      const delayMs = presence === "unknown" ? 0 : delayMsOf(presence, delays);
      if (delayMs === 0) user.isAway = true;
      if (n === null) continue;
      const upTo = logAge.reached(delayMs);
      const isOverdue = presence !== "unknown" && n <= upTo;
      if (isOverdue) overdue.push({ address, upTo, count });
      // There may be more messages after the overdue ones: the next look finds them.
      const dueAt = isOverdue ? now : now + Math.max(ageStepMs, delayMs - logAge.of(n));
      const known = rests.get(user);
      rests.set(user, { n: Math.min(n, known?.n ?? n), dueAt: Math.min(dueAt, known?.dueAt ?? dueAt) });
    }
    return { overdue, rests };
  }

  /**
   * Looks at the devices of some users once. Answers whether messages became due, and the users that need no further look; null where `isCurrent`
   * became false meanwhile.
   */
  return async function check(
    users: readonly PendingUser[],
    isCurrent: () => boolean,
  ): Promise<{ readonly isAnyDue: boolean; readonly done: readonly PendingUser[] } | null> {
    const marks = users.map((each) => each.marks);
    const people = users.map(({ identity, n }) => ({ ...identity, n }));
    if (userProviders.length > 0)
      await store.addressUsers(holder(), people, { providers: userProviders, now: clock.now() });
    const found = await store.undecided(people);
    if (!isCurrent()) return null;
    const now = clock.elapsed();
    for (const each of users) each.isAway = false;
    const { overdue, rests } = divide(users, found, now);
    if (overdue.length > 0) await enqueue(overdue, isCurrent);
    if (!isCurrent()) return null;
    const done = users.filter((each, i) => {
      const rest = rests.get(each);
      if (rest) Object.assign(each, rest);
      else if (each.marks === marks[i]) return true;
      else each.dueAt = now;
      return false;
    });
    return { isAnyDue: overdue.length > 0, done };
  };
}
