import { expect, test } from "bun:test";
import { createHookFollower } from "../../src/hook/follower.ts";
import { createHookHealth } from "../../src/hook/hook-health.ts";
import { systemRandom } from "../../src/internal/random.ts";
import { defaultLimits } from "../../src/protocol/limits.ts";
import type { LogPlace } from "../../src/store/log-place.ts";
import { fakeClock } from "../support/fake-clock.ts";

const place: LogPlace = {
  worker: async () => ({ holder: "", beat: 0 }),
  take: async () => 0,
  beat: async () => true,
  leave: async () => {},
};

test("K66 R24 if the database lags behind the feed, the follower waits for it, with pauses between its reads", async () => {
  const clock = fakeClock();
  let reads = 0;
  let upTo = 0;
  const texts: string[] = [];
  const follower = createHookFollower({
    hook: { name: "bot", begin: "now", handle: ({ text }) => void texts.push(text) },
    store: {
      places: { place: () => place, begin: async () => {} },
      async messages(after) {
        reads++;
        if (upTo <= after) return { messages: [], upTo: after };
        const identity = { tenant: "default", conversation: "c1", from: "alice", to: "bob" };
        return { messages: [{ ...identity, n: 1, seq: 1, id: "id", text: "hi", time: 0 }], upTo };
      },
    },
    feed: { onEntries: () => {}, position: () => 1 },
    ...{ clock, random: systemRandom, limits: defaultLimits, isExclusive: true, report: () => {} },
    health: createHookHealth({ clock, onChange: () => {} }),
  });
  follower.start();
  for (let i = 0; i < 40; i++) await clock.advance(250);
  expect(reads).toBeWithin(5, 30);
  upTo = 1;
  for (let i = 0; i < 8; i++) await clock.advance(250);
  expect(texts).toEqual(["hi"]);
  follower.abandon();
});
