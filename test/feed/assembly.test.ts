import { expect, test } from "bun:test";
import { type AssembledStretch, createAssembly, type Row } from "../../src/feed/assembly.ts";
import { fakeClock } from "../support/fake-clock.ts";

const row = (place: number): Row => [
  place,
  { tenant: "t", users: ["u"], change: { kind: "revocation", n: place + 1, user: "u", reason: "" } },
];

function start(needed: readonly string[]) {
  const clock = fakeClock();
  const state = { position: 0, all: false, additions: 0 };
  const stretches: AssembledStretch[] = [];
  const needs = new Set(needed);
  const assembly = createAssembly({
    clock,
    audiences: { needsAll: () => state.all, has: (name) => needs.has(name), additions: () => state.additions },
    position: () => state.position,
    onStretch: (stretch) => void stretches.push(stretch),
  });
  const places = (): (number | undefined)[][] =>
    stretches.map(({ from, to, entries }) => [from, to, ...(entries ?? []).map(({ change }) => change.n - 1)]);
  return { clock, state, stretches, needs, assembly, places };
}

test("F20: a stretch without rows for this node is passed on at once, with the rows for all nodes", () => {
  const { assembly, places } = start([]);
  assembly.addRows({ from: 0, to: 9, audience: "a", rows: [row(0)] });
  assembly.addNotice({ from: 0, to: 9, audiences: ["a", "b"], rows: [row(3)] });
  expect([places(), assembly.size()]).toEqual([[[0, 9, 3]], 0]);
});

test("F21: rows before and after their notice are put together in their order, each once", () => {
  const { assembly, places } = start(["a", "b"]);
  assembly.addRows({ from: 0, to: 9, audience: "b", rows: [row(1), row(4)] });
  assembly.addNotice({ from: 0, to: 9, audiences: ["a", "b", "c"], rows: [row(3)] });
  expect(places()).toEqual([]);
  assembly.addRows({ from: 0, to: 9, audience: "a", rows: [row(0), row(1)] });
  expect([places(), assembly.size()]).toEqual([[[0, 9, 0, 1, 3, 4]], 0]);
});

test("F21: a notice waits a moment for its rows, then goes on without entries", async () => {
  const { clock, assembly, stretches } = start(["a"]);
  assembly.addNotice({ from: 0, to: 9, audiences: ["a"], rows: [] });
  assembly.addNotice({ from: 0, to: 9, audiences: ["a"], rows: [] });
  await clock.advance(1_000);
  expect([stretches, assembly.size()]).toEqual([[{ from: 0, to: 9 }], 0]);
});

test("F21: a stretch says whether it lacks rows of a user who came since, or of all", () => {
  const { state, needs, assembly, stretches } = start([]);
  assembly.addNotice({ from: 0, to: 9, audiences: ["a"], rows: [] });
  const isStillWhole = (): boolean | undefined => stretches[0]?.isStillWhole?.();
  expect(isStillWhole()).toBe(true);
  needs.add("b");
  state.additions++;
  expect(isStillWhole()).toBe(true);
  needs.add("a");
  state.additions++;
  expect(isStillWhole()).toBe(false);
  needs.delete("a");
  state.all = true;
  expect(isStillWhole()).toBe(false);
});

test("R1 F21: what the position has passed is forgotten, and what waits is bounded", async () => {
  const { clock, state, assembly, stretches } = start(["a"]);
  for (let n = 0; n < 2_000; n++) assembly.addRows({ from: n, to: n + 1, audience: "a", rows: [row(0)] });
  expect(assembly.size()).toBeLessThanOrEqual(512);
  assembly.addRows({ from: 2_000, to: 2_001, audience: "a", rows: Array.from({ length: 20_000 }, (_, i) => row(i)) });
  expect(assembly.size()).toBe(0);
  for (let n = 0; n < 2_000; n++) assembly.addNotice({ from: n, to: n + 1, audiences: ["a"], rows: [] });
  expect(assembly.size()).toBeLessThanOrEqual(512);
  expect(stretches.length).toBe(2_000 - assembly.size());
  state.position = 5_000;
  assembly.addRows({ from: 1, to: 2, audience: "a", rows: [row(0)] });
  assembly.addNotice({ from: 1, to: 2, audiences: ["a"], rows: [] });
  assembly.stop();
  await clock.advance(1_000);
  expect([assembly.size(), stretches.length]).toEqual([0, 2_000 - 512]);
});
