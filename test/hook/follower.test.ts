import { expect, test } from "bun:test";
import { createHookFollower } from "../../src/hook/follower.ts";
import { createHookHealth } from "../../src/hook/hook-health.ts";
import { systemRandom } from "../../src/internal/random.ts";
import { defaultLimits } from "../../src/protocol/limits.ts";
import { fakeClock } from "../support/fake-clock.ts";

const limits = { ...defaultLimits, hookLeaseMs: 20_000, hookRetryMs: 500, hookRetryMsMax: 500 };

/** A follower of a log of these texts, one to a position. */
function start(log: readonly string[], { isExclusive = true } = {}) {
  const clock = fakeClock();
  /** `copied`: the end of the log in the copy that is read; `kept`: the position that the database knows. */
  const state = { copied: log.length, reads: 0, kept: 0, isAway: false, isBroken: false };
  const calls: { readonly text: string; readonly kept: number }[] = [];
  const follower = createHookFollower({
    hook: {
      ...{ name: "bot", begin: "now" },
      handle({ text }) {
        calls.push({ text, kept: state.kept });
        if (state.isBroken) throw new Error("planted");
      },
    },
    store: {
      places: {
        place: () => ({
          ...{ worker: async () => ({ holder: "", beat: 0 }), take: async () => 0, leave: async () => {} },
          async beat(_holder, position) {
            if (state.isAway) throw new Error("planted");
            state.kept = position;
            return true;
          },
        }),
        begin: async () => {},
      },
      async messages(after) {
        state.reads++;
        const identity = { tenant: "default", conversation: "c1", from: "alice", to: "bob", time: 0 };
        const messages = log.map((text, i) => ({ ...identity, n: i + 1, seq: i + 1, id: `m${i + 1}`, text }));
        return { messages: messages.slice(after, state.copied), upTo: state.copied };
      },
    },
    feed: { onEntries: () => {}, position: () => log.length },
    ...{ clock, random: systemRandom, limits, isExclusive, report: () => {} },
    health: createHookHealth({ clock, onChange: () => {} }),
  });
  follower.start();
  const seconds = async (count: number): Promise<void> => {
    for (let i = 0; i < 4 * count; i++) await clock.advance(250);
  };
  return { follower, state, calls, seconds, texts: () => calls.map(({ text }) => text) };
}

test("K66 R24 if the database lags behind the feed, the follower waits for it, with pauses between its reads", async () => {
  const { follower, state, texts, seconds } = start(["hi"]);
  state.copied = 0;
  await seconds(10);
  expect(state.reads).toBeWithin(5, 30);
  state.copied = 1;
  await seconds(2);
  expect(texts()).toEqual(["hi"]);
  follower.abandon();
});

test("K67 the end of a call is on disk before the next one begins", async () => {
  const { follower, calls, seconds } = start(["a", "b"]);
  await seconds(1);
  expect(calls).toEqual([
    { text: "a", kept: 0 },
    { text: "b", kept: 1 },
  ]);
  follower.abandon();
});

test("K72 a follower is busy from its start until all messages are handled and its position is on disk", async () => {
  const { follower, state, texts, seconds } = start(["a", "b"]);
  state.isBroken = true;
  await seconds(2);
  expect(follower.isBusy()).toBe(true);
  state.isBroken = false;
  for (let i = 0; i < 60 && state.kept < 2; i++) {
    await seconds(0.05);
    if (state.kept < 2) expect(follower.isBusy()).toBe(true);
  }
  await seconds(1);
  expect([texts().at(-1), state.kept, follower.isBusy()]).toEqual(["b", 2, false]);
  follower.abandon();
  expect(follower.isBusy()).toBe(false);
});

test("K77 a follower that cannot renew its lease begins no call, and goes on where it was once it can", async () => {
  // Other nodes may have the database open.
  const { follower, state, texts, seconds } = start(["a", "b"], { isExclusive: false });
  [state.isBroken, state.isAway] = [true, true];
  await seconds(15);
  const before = texts().length;
  await seconds(30);
  expect([before > 5, texts().length]).toEqual([true, before]);
  [state.isBroken, state.isAway] = [false, false];
  await seconds(6);
  expect(texts().slice(before)).toEqual(["a", "b"]);
  follower.abandon();
});
