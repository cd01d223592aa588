import { expect, test } from "bun:test";
import { createWatchBudget } from "../../src/hub/watch-budget.ts";
import type { Viewer } from "../../src/hub/watch.ts";
import { createWatches } from "../../src/hub/watches.ts";
import type { Relationship } from "../../src/model.ts";
import { fakeClock } from "../support/fake-clock.ts";

const contact: Relationship = { hasBlocked: false, isBlocked: false, isContact: true, hasConversation: false };

function start({ totalMax = 100 } = {}) {
  const [online, cluster, viewers] = [new Set<string>(), [] as string[], new Set<Viewer>()];
  const state = { isBlocked: false };
  const budget = createWatchBudget({ watchedUsersTotalMax: totalMax, watchedUsersScarceMax: 50 });
  const watches = createWatches({
    ...{ clock: fakeClock(0), budget, policy: {}, report() {} },
    store: { lastSeen: async () => new Map() },
    relationships: {
      ofMany: async (asked) =>
        asked.map(({ others }) => others.map(() => ({ ...contact, isBlocked: state.isBlocked }))),
    },
    isHere: ({ user }) => online.has(user),
    leftAt: () => 0,
    viewersOf: ({ user }) => [...viewers].filter(({ session }) => session.user === user),
    cluster: {
      watch: ({ user }) => void cluster.push(`+${user}`),
      unwatch: ({ user }) => void cluster.push(`-${user}`),
    },
  });
  const viewer = (user = "viewer") => {
    const frames: string[] = [];
    const one = {
      ...{ session: { tenant: "t", user }, isOpen: () => true, frames },
      outgoing: {
        isBehind: () => false,
        sendVolatile: (text: string) => (
          frames.push((({ user, state }) => `${user} ${state}`)(JSON.parse(text))),
          true
        ),
      },
    };
    viewers.add(one);
    return one;
  };
  const turn = async (): Promise<void> => {
    for (let i = 0; i < 5; i++) await Bun.sleep(0);
  };
  return { ...{ watches, budget, online, cluster, state, viewer, turn }, bob: { tenant: "t", user: "bob" } };
}

test("B6 a viewer is sent the state of each user that it watches, and each change", async () => {
  const { watches, online, viewer, turn, bob } = start();
  const one = viewer();
  expect(watches.watch(one, ["bob", "carol", "bob"])).toBe(true);
  await turn();
  online.add("bob");
  watches.moved(bob);
  watches.moved({ tenant: "u", user: "bob" });
  await turn();
  expect(one.frames).toEqual(["bob offline", "carol offline", "bob online"]);
  expect(watches.sizes()).toEqual({ watches: 1, watched: 2 });
});

test("B6 a new watch takes the place of the one before, and an empty one ends it", async () => {
  const { watches, budget, cluster, viewer, turn, bob } = start();
  const one = viewer();
  void watches.watch(one, ["bob", "carol"]);
  void watches.watch(one, ["carol", "dave"]);
  await turn();
  expect([cluster, budget.names()]).toEqual([["+bob", "+carol", "-bob", "-carol", "+carol", "+dave"], 2]);
  watches.moved(bob);
  void watches.watch(one, []);
  expect([watches.sizes(), budget.names()]).toEqual([{ watches: 0, watched: 0 }, 0]);
});

test("H16 R10 a user is watched on the bus from the first viewer to the last", () => {
  const { watches, budget, cluster, viewer } = start();
  const [one, other] = [viewer(), viewer()];
  void watches.watch(one, ["bob"]);
  void watches.watch(other, ["bob"]);
  watches.forget(one);
  watches.forget(one);
  expect([cluster, budget.names()]).toEqual([["+bob"], 1]);
  watches.stop();
  expect([cluster, watches.sizes(), budget.names()]).toEqual([["+bob", "-bob"], { watches: 0, watched: 0 }, 0]);
});

test("R22 where there is no room for more names the viewer watches the same as before", async () => {
  const { watches, budget, online, viewer, turn, bob } = start({ totalMax: 2 });
  const one = viewer();
  void watches.watch(one, ["bob"]);
  expect(watches.watch(one, ["carol", "dave", "eve"])).toBe(false);
  await turn();
  online.add("bob");
  watches.moved(bob);
  await turn();
  expect([one.frames, budget.names()]).toEqual([["bob offline", "bob online"], 1]);
});

test("R23 R43 many names wait for a later turn, and are not watched by a connection that has ended", async () => {
  const { watches, viewer } = start({ totalMax: 100_000 });
  const names = Array.from({ length: 900 }, (_, i) => `u${i}`);
  const [one, other, gone] = [viewer("a"), viewer("b"), viewer("c")];
  expect(watches.watch(one, names)).toBe(true);
  const [second, third] = [watches.watch(other, names), watches.watch(gone, names)];
  gone.isOpen = () => false;
  expect([await second, await third, watches.sizes().watches]).toEqual([true, true, 2]);
});

test("B3 a changed relationship is looked at again from both sides", async () => {
  const { watches, online, state, viewer, turn } = start();
  const [one, other] = [viewer("viewer"), viewer("bob")];
  online.add("bob").add("viewer");
  void watches.watch(one, ["bob"]);
  void watches.watch(other, ["viewer"]);
  await turn();
  state.isBlocked = true;
  watches.review("t", "bob", "viewer");
  await turn();
  expect([one.frames, other.frames]).toEqual([
    ["bob online", "bob offline"],
    ["viewer online", "viewer offline"],
  ]);
});
