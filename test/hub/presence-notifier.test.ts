import { expect, test } from "bun:test";
import { createPresenceNotifier } from "../../src/hub/presence-notifier.ts";
import { SmallSet } from "../../src/hub/small-set.ts";
import type { Subject, Viewer, Watch } from "../../src/hub/watch.ts";
import type { Relationship } from "../../src/model.ts";
import { fakeClock } from "../support/fake-clock.ts";

const contact: Relationship = { hasBlocked: false, isBlocked: false, isContact: true, hasConversation: false };

/** One viewer who watches some users. `turn` lets everything go on that is due. */
function start({ canSee, names = ["bob"] }: { canSee?: () => Promise<boolean>; names?: string[] } = {}) {
  const clock = fakeClock(0);
  const state = {
    online: new Set<string>(),
    relationship: contact,
    isStoreAway: false,
    doesTake: true,
    isBehind: false,
    lookups: 0,
  };
  const frames: string[] = [];
  const faults: unknown[] = [];
  const viewer: Viewer = {
    ...{ session: { tenant: "t", user: "viewer" }, isOpen: () => true },
    outgoing: {
      isBehind: () => state.isBehind,
      sendVolatile(text) {
        if (!state.doesTake) return false;
        const { user, state: shown, lastSeen } = JSON.parse(text) as { user: string; state: string; lastSeen?: number };
        frames.push(`${user} ${shown}${lastSeen === undefined ? "" : ` ${lastSeen}`}`);
        return true;
      },
    },
  };
  const watch: Watch = { viewer, users: new Map(names.map((name) => [name, null])), stale: new Set(), phase: "idle" };
  const subjects = new Map<string, Subject>();
  for (const user of names) {
    const subject: Subject = { identity: { tenant: "t", user }, watchers: new SmallSet(), moves: 0, seen: null };
    subject.watchers.add(watch);
    subjects.set(user, subject);
  }
  const notifier = createPresenceNotifier({
    ...{ clock, policy: canSee ? { canSee } : {}, report: (fault) => void faults.push(fault) },
    store: { lastSeen: async () => new Map([["bob", 500]]) },
    relationships: {
      async ofMany(asked) {
        state.lookups++;
        if (state.isStoreAway) throw new Error("planted");
        return asked.map(({ others }) => others.map(() => state.relationship));
      },
    },
    isHere: ({ user }) => state.online.has(user),
    leftAt: () => 0,
    subjectOf: (_viewer, user) => subjects.get(user),
  });
  const turn = async (): Promise<void> => {
    for (let i = 0; i < 5; i++) await Bun.sleep(0);
  };
  const moved = async (user = "bob"): Promise<void> => {
    const subject = subjects.get(user);
    if (subject) notifier.moved(subject);
    await turn();
  };
  return {
    ...{ notifier, watch, state, frames, faults, turn, moved },
    mark: (user = "bob") => notifier.mark(watch, user),
  };
}

test("B6 a marked state is sent, and then each that is another one", async () => {
  const { notifier, state, frames, turn, moved, mark } = start();
  mark();
  notifier.wake();
  await turn();
  state.online.add("bob");
  await moved();
  // It came and went, or nothing has changed for the viewer.
  await moved();
  expect(frames).toEqual(["bob offline 500", "bob online"]);
});

test("B8 a user who is hidden is offline and was never seen, and moves without a sign", async () => {
  const { notifier, state, frames, turn, moved, mark } = start();
  state.relationship = { ...contact, isBlocked: true };
  mark();
  notifier.wake();
  await turn();
  state.online.add("bob");
  await moved();
  expect(frames).toEqual(["bob offline"]);
});

test("B9 the host's rule is asked, and a rule that fails is reported and shows nothing", async () => {
  for (const [canSee, shown, faults] of [
    [async () => true, ["bob online"], 0],
    [async () => false, ["bob offline"], 0],
    [() => Promise.reject(new Error("planted")), [], 1],
  ] as const) {
    const test = start({ canSee });
    test.state.online.add("bob");
    await test.moved();
    expect([test.frames, test.faults.length]).toEqual([shown, faults] as never);
  }
});

test("B10 a viewer who does not keep up is sent the newest state with a later beat", async () => {
  for (const reason of ["does not take", "is behind"]) {
    const { notifier, state, frames, turn, moved } = start();
    if (reason === "is behind") state.isBehind = true;
    else state.doesTake = false;
    state.online.add("bob");
    await moved();
    state.online.delete("bob");
    await moved();
    [state.doesTake, state.isBehind] = [true, false];
    await turn();
    expect([reason, frames]).toEqual([reason, []]);
    notifier.beat();
    await turn();
    expect([reason, frames]).toEqual([reason, ["bob offline 500"]]);
  }
});

test("R9 a store that is away is asked again with the next beat, and not before", async () => {
  const { notifier, state, frames, turn, moved } = start();
  state.isStoreAway = true;
  await moved();
  state.isStoreAway = false;
  await moved();
  expect([frames, state.lookups]).toEqual([[], 1]);
  notifier.beat();
  await turn();
  expect([frames, state.lookups]).toEqual([["bob offline 500"], 2]);
});

test("B6 H11 a watch that has ended, and a notifier that has stopped, send nothing", async () => {
  const ended = start();
  ended.mark();
  ended.notifier.wake();
  ended.notifier.drop(ended.watch);
  await ended.turn();
  expect(ended.frames).toEqual([]);
  // Also one that ends while the host is asked.
  const asked = Promise.withResolvers<boolean>();
  const late = start({ canSee: () => asked.promise });
  await late.moved();
  late.notifier.drop(late.watch);
  asked.resolve(true);
  await late.turn();
  expect(late.frames).toEqual([]);
  const stopped = start();
  stopped.notifier.stop();
  await stopped.moved();
  expect([stopped.frames, stopped.state.lookups]).toEqual([[], 0]);
});

test("R23 while the host is asked about thousands of pairs no others are looked up", async () => {
  const asked = Promise.withResolvers<boolean>();
  const names = Array.from({ length: 2_600 }, (_, i) => `u${i}`);
  const { notifier, state, frames, turn, watch } = start({ canSee: () => asked.promise, names });
  for (const name of names) notifier.mark(watch, name);
  notifier.wake();
  for (let i = 0; i < 5; i++) await turn();
  // One round takes 500 pairs of a watch, and the watch waits for its answers.
  expect([state.lookups, frames.length]).toEqual([1, 0]);
  asked.resolve(false);
  for (let i = 0; i < 20; i++) await turn();
  expect([state.lookups, frames.length]).toEqual([6, 2_600]);
});
