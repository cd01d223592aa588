import { createPresenceSight, type PresenceSightOptions } from "./presence-sight.ts";
import type { RelationshipCache } from "./relationship-cache.ts";
import { createWatchQueue } from "./watch-queue.ts";
import type { Ask, PresenceState, Subject } from "./watch.ts";
import type { Clock } from "../internal/clock.ts";
import type { Relationship } from "../model.ts";
import { encodeFrame } from "../protocol/encode.ts";

export type PresenceNotifierOptions = PresenceSightOptions & {
  readonly relationships: Pick<RelationshipCache, "ofMany">;
  readonly clock: Clock;
  readonly report: (fault: unknown) => void;
};

/** Pairs about which the host is being asked, before others are looked up. */
const pairsUnderWayMax = 2_000;

function frameOf(user: string, state: PresenceState): string {
  if (state === "online") return encodeFrame({ type: "presence", user, state });
  return encodeFrame({ type: "presence", user, state: "offline", ...(state !== "offline" && { lastSeen: state }) });
}

/**
 * Sends viewers the states of the users that they watch: soon, and whenever a state changes. A frame that a slow socket dropped is sent later,
 * with the state of then. A user hidden from the viewer is offline and was never seen, like one who does not exist.
 *
 * However many watch one user, or one user watches, a turn of the event loop does a part of it: it marks some watchers of users who
 * moved, and looks up some pairs together.
 */
export function createPresenceNotifier(options: PresenceNotifierOptions) {
  const { relationships, clock, report } = options;
  const sight = createPresenceSight(options);
  const queue = createWatchQueue();
  let state: "idle" | "pumping" | "stopped" = "idle";
  /** The store did not answer: the next beat asks again. */
  let isAway = false;
  let pairsUnderWay = 0;

  const canAsk = (): boolean => !isAway && pairsUnderWay < pairsUnderWayMax;

  function wake(): void {
    if (state !== "idle") return;
    state = "pumping";
    clock.defer(pump);
  }

  /** One turn's part of the work. */
  function pump(): void {
    queue.markSome();
    notify(canAsk() ? queue.take() : [])
      .catch(report)
      .finally(() => {
        if (state === "pumping") state = "idle";
        if (queue.hasMoved() || (queue.hasPending() && canAsk())) wake();
      });
  }

  async function notify(asks: readonly Ask[]): Promise<void> {
    if (asks.length === 0) return;
    let found: readonly (readonly Relationship[])[];
    try {
      found = await relationships.ofMany(
        asks.map(({ watch, users }) => ({ identity: watch.viewer.session, others: users })),
      );
      await sight.readSeen(asks, found);
    } catch {
      // The store reports its failure itself.
      isAway = true;
      for (const { watch, users } of asks) {
        for (const user of users) watch.stale.add(user);
        queue.putBack(watch, "later");
      }
      return;
    }
    for (const [i, ask] of asks.entries()) show(ask, found[i] ?? []);
  }

  /** Sends the states at once, or after the host's answer. */
  function show(ask: Ask, found: readonly Relationship[]): void {
    const { viewer } = ask.watch;
    const visible = ask.users.map((user, i) => sight.visibility(viewer, user, found[i]));
    if (!visible.includes("ask")) return send(ask, visible);
    pairsUnderWay += ask.users.length;
    Promise.all(
      visible.map(async (may, i) => (may === "ask" ? await sight.mayHostShow(viewer, ask.users[i] ?? "") : may)),
    )
      .then((answers) => send(ask, answers))
      .catch(report)
      .finally(() => {
        pairsUnderWay -= ask.users.length;
        wake();
      });
  }

  function send({ watch, users }: Ask, visible: readonly unknown[]): void {
    const { viewer, stale } = watch;
    let rest: "pending" | "later" = "pending";
    for (const [i, user] of watch.phase === "ended" ? [] : users.entries()) {
      // A state that changed meanwhile is sent in the next round.
      if (stale.has(user)) continue;
      const state = visible[i] === true ? sight.stateOf(viewer, user) : "offline";
      if (state === null) stale.add(user);
      else if (watch.users.get(user) === state) continue;
      else if (viewer.outgoing.sendVolatile(frameOf(user, state))) watch.users.set(user, state);
      else {
        stale.add(user);
        rest = "later";
      }
    }
    if (queue.putBack(watch, rest) && rest === "pending") wake();
  }

  return {
    /** A user has come or gone. */
    moved(subject: Subject): void {
      subject.moves++;
      subject.seen = null;
      queue.addMoved(subject);
      wake();
    },
    mark: queue.mark,
    /** Sends the marked states soon. */
    wake(): void {
      if (queue.hasPending()) wake();
    },
    drop: queue.drop,
    forget: queue.forget,
    /** Tries again to send the states that could not be sent. */
    beat(): void {
      isAway = false;
      queue.retryLater();
      if (queue.hasPending()) wake();
    },
    stop(): void {
      state = "stopped";
    },
  };
}
