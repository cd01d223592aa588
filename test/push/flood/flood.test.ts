import { describe, expect, test } from "bun:test";
import { describeOutcome, type Outcome } from "../../load/scenario.ts";
import type { Alteration } from "../../support/alter-source.ts";
import { backlog } from "./backlog.ts";
import { flood, type FloodSize } from "./flood.ts";
import { smallBacklog, smallFlood } from "./sizes.ts";

const seed = Number(process.env["SEED"] ?? "1");
const say = process.env["FLOOD_SAY"] ? console.log : () => {};

function expectRight(outcome: Outcome): void {
  say(describeOutcome(outcome));
  expect(outcome.violations, describeOutcome(outcome)).toEqual([]);
}

/** Not told, though nothing waits. */
const lost = /^(?!.*notices wait still).*(shows nothing of|the newest is)/;

/** Without crashes. A bug here never heals, so the wait ends when nothing happens any more. */
const few: FloodSize = {
  ...{ ...smallFlood, users: 60, messages: 600, floodMs: 600 },
  ...{ crashes: 0, healsMs: 200, stillMs: 1_500 },
};

/** What was wrong with a server that has a bug. */
async function wrongsOf(alterations: readonly Alteration[], size: FloodSize = few, number = seed): Promise<string> {
  const outcome = await flood({ size, seed: number, alterations });
  say(describeOutcome(outcome));
  return outcome.violations.join("\n");
}

describe("a flood for those who are away", () => {
  test(`U3 U5 U6 U7 U10 providers that fail half of the time, and a server that is killed: each device shows what it should (SEED=${seed})`, async () => {
    const outcome = await flood({ size: smallFlood, seed });
    expectRight(outcome);
    expect(outcome.figures["crashes"]).toBe(smallFlood.crashes);
    expect(outcome.figures["afterRefusals"]).toBeGreaterThan(100);
  });

  test("U7 providers that are down: ten times the backlog takes no more memory", async () => {
    expectRight(await backlog({ size: smallBacklog, seed }));
  });

  test.concurrent(
    "control: U5 U7 a notice that counts as told before the provider has answered is missed",
    async () => {
      const early: Alteration = {
        file: "push/courier.ts",
        from: "const result = await Promise.race([sent, late]);",
        to: 'const result: PushResult = { type: "sent", answer: "early" };',
      };
      expect(await wrongsOf([early])).toMatch(lost);
    },
  );

  test.concurrent("control: U7 a retry that is dropped is missed", async () => {
    const dropped: Alteration = {
      file: "push/courier.ts",
      from: "until: retryAt(due.attempts, result.afterMs ?? 0),\n          isDone: false,",
      to: "until: null,\n          isDone: true,",
    };
    expect(await wrongsOf([dropped])).toMatch(lost);
  });

  test.concurrent("control: U5 a key that is new for each request is seen", async () => {
    const random: Alteration = {
      file: "push/name.ts",
      from: "const hex = await sha256(`${kind} ",
      to: "const hex = await sha256(`${Math.random()} ${kind} ",
    };
    expect(await wrongsOf([random])).toMatch(/has the keys/);
  });

  test.concurrent("control: U5 what is told again without a crash is seen", async () => {
    const forgetful: Alteration = {
      file: "push/courier.ts",
      from: '...finished(due, "send", "sent", result.answer), shown: due.seq',
      to: '...finished(due, "send", "sent", result.answer), until: 1, isDone: Math.random() < 0.9, shown: due.seq',
    };
    expect(await wrongsOf([forgetful])).toMatch(/was taken and asked for again/);
  });

  test("control: U5 a place that is kept before what it tells of is loses messages to a crash", async () => {
    const hasty: Alteration = { file: "push/follower.ts", from: "let n = position;", to: "return feed.position();" };
    // What has come is looked at late, and its place kept early: each crash finds something in between.
    const later: Alteration = { file: "push/follower.ts", from: "const gatherMs = 50;", to: "const gatherMs = 500;" };
    const limits = { ...few.limits, pushLeaseMs: 200 };
    // After the second crash everything that is kept is told again first.
    const size = { ...few, limits, crashes: 2, stillMs: 3_000 };
    // Whether a crash comes at the right moment depends on the speed of the machine, so several seeds are tried.
    let wrongs = "";
    for (let i = 0; i < 8 && !lost.test(wrongs); i++) wrongs = await wrongsOf([hasty, later], size, seed + i);
    expect(wrongs).toMatch(lost);
  });

  test("control: U7 a backlog that waits in memory is seen", async () => {
    const hoarding: Alteration = {
      file: "push/follower.ts",
      from: "position = upTo;\n    if (isFull()) isLive = false;",
      to: "position = upTo; for (const entry of entries) (globalThis.hoard ??= []).push({ entry, room: new Array(100).fill(upTo) });",
    };
    const outcome = await backlog({
      size: { ...smallBacklog, users: 400, messages: 4_000 },
      seed,
      alterations: [hoarding],
    });
    say(describeOutcome(outcome));
    expect(outcome.violations.join("\n")).toContain("ten times the backlog holds");
  });
});
