import { describe, expect, test } from "bun:test";
import { describeOutcome, type Outcome } from "../load/scenario.ts";
import { plant, type PlantName } from "../../plants/index.ts";
import { backlog } from "./backlog.ts";
import { flood, type FloodSize } from "./flood.ts";
import { smallBacklog, smallFlood } from "./sizes.ts";

const seed = Number(process.env["SEED"] ?? "1");
const say = process.env["FLOOD_SAY"] ? console.log : () => {};

function expectRight(outcome: Outcome): void {
  say(describeOutcome(outcome));
  expect(outcome.violations, describeOutcome(outcome)).toEqual([]);
}

/** Not notified, though nothing waits. */
const lost = /^(?!.*notices wait still).*(shows nothing of|the newest is)/;

/** Without crashes. A bug here never heals, so the wait ends when nothing happens any more. */
const few: FloodSize = {
  ...{ ...smallFlood, users: 40, messages: 400, floodMs: 600 },
  ...{ crashes: 0, healsMs: 200, stillMs: 1_500 },
};

/** The violations of a server with a bug. */
async function wrongsOf(bug: PlantName, size: FloodSize = few, number = seed): Promise<string> {
  const outcome = await flood({ size, seed: number, alterations: plant(bug) });
  say(describeOutcome(outcome));
  return outcome.violations.join("\n");
}

describe("a flood for absent users", () => {
  test(`U3 U5 U6 U7 U10 providers that fail half of the time, and a server that is killed: each device shows what it should (SEED=${seed})`, async () => {
    const outcome = await flood({ size: smallFlood, seed });
    expectRight(outcome);
    expect(outcome.figures["crashes"]).toBe(smallFlood.crashes);
    expect(outcome.figures["afterRefusals"]).toBeGreaterThan(60);
  });

  test("U7 providers that are down: ten times the backlog takes no more memory", async () => {
    expectRight(await backlog({ size: smallBacklog, seed }));
  });

  test.concurrent(
    "control: U5 U7 a notice that counts as sent before the provider has answered is missed",
    async () => {
      expect(await wrongsOf("a notice counts as sent before the provider has answered")).toMatch(lost);
    },
  );

  test("control: U7 a retry that is dropped is missed", async () => {
    expect(await wrongsOf("a retry is dropped")).toMatch(lost);
  });

  test("control: U5 a key that is new for each request is seen", async () => {
    expect(await wrongsOf("each push request has a new key")).toMatch(/has the keys/);
  });

  test("control: U5 a notice that is sent again without a crash is seen", async () => {
    expect(await wrongsOf("a notice that was sent is sent again")).toMatch(/was taken and asked for again/);
  });

  test("control: U5 a position that is stored before the messages behind it loses messages in a crash", async () => {
    const bug = "a worker keeps its position before the messages behind it are safe";
    const limits = { ...few.limits, pushLeaseMs: 200 };
    // After the second crash everything stored is sent again first.
    const size = { ...few, limits, crashes: 2, stillMs: 3_000 };
    // Whether a crash comes at the right moment depends on the speed of the machine, so several seeds are tried.
    let wrongs = "";
    for (let i = 0; i < 8 && !lost.test(wrongs); i++) wrongs = await wrongsOf(bug, size, seed + i);
    expect(wrongs).toMatch(lost);
  });

  test("control: U7 a backlog that waits in memory is seen", async () => {
    const outcome = await backlog({
      size: smallBacklog,
      seed,
      alterations: plant("the backlog waits in memory"),
    });
    say(describeOutcome(outcome));
    expect(outcome.violations.join("\n")).toContain("ten times the backlog holds");
  });
});
