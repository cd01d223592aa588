import { expect, test } from "bun:test";
import { compare } from "../../../src/store/migration/compare.ts";
import type { State } from "../../../src/store/migration/state.ts";

const migrations = [1, 2, 3].map((version) => ({ version, name: `m${version}`, up: "", down: "" }));
const applied = (version: number, hash = `h${version}`) => ({ version, name: `m${version}`, hash });

/** The standings, and the beginning of the refusal, for migrations with the hashes h1, h2 and h3. */
function hold(state: Partial<State>, of = migrations) {
  const comparison = compare(of, {
    hashes: of.map(({ version }) => `h${version}`),
    state: { version: 0, isDirty: false, applied: [], ...state },
  });
  return {
    standings: comparison.entries.map(({ version, standing }) => `${version} ${standing}`).join(", "),
    adopted: comparison.adopted.map(({ version }) => version),
    refusal: comparison.refusal?.message ?? "",
  };
}

test("M1 migrations are applied or pending", () => {
  expect(hold({})).toEqual({ standings: "1 pending, 2 pending, 3 pending", adopted: [], refusal: "" });
  expect(hold({ version: 2, applied: [applied(1), applied(2)] })).toEqual({
    standings: "1 applied, 2 applied, 3 pending",
    adopted: [],
    refusal: "",
  });
});

test("M10 migrations that golang-migrate applied are adopted, and those that it took back are forgotten", () => {
  expect(hold({ version: 2 })).toEqual({ standings: "1 applied, 2 applied, 3 pending", adopted: [1, 2], refusal: "" });
  expect(hold({ version: 1, applied: [applied(1), applied(2, "other")] })).toMatchObject({
    standings: "1 applied, 2 pending, 3 pending",
    refusal: "",
  });
});

test("M5 a migration that stopped in the middle is dirty, and nothing may run", () => {
  const { standings, refusal } = hold({ version: 2, isDirty: true, applied: [applied(1), applied(2)] });
  expect([standings, refusal]).toEqual([
    "1 applied, 2 dirty, 3 pending",
    expect.stringContaining("dirty at version 2"),
  ]);
});

test("M7 an applied migration with other content is edited", () => {
  const { standings, refusal } = hold({ version: 2, applied: [applied(1), applied(2, "other")] });
  expect([standings, refusal]).toEqual([
    "1 applied, 2 edited, 3 pending",
    expect.stringMatching(/^000002_m2 was edited.*`force 2`$/s),
  ]);
});

test("M6 an applied migration that is not among them is missing, also one that only the version names", () => {
  const few = migrations.slice(0, 1);
  const of = (state: Partial<State>) => hold({ version: 3, ...state }, few);
  expect(of({ applied: [applied(1), applied(3)] })).toMatchObject({
    standings: "1 applied, 3 missing",
    refusal: expect.stringContaining("000003_m3 was applied"),
  });
  expect(of({ applied: [applied(1)] })).toMatchObject({
    standings: "1 applied, 3 missing",
    refusal: expect.stringContaining("000003_unknown"),
  });
});

test("M8 a migration below an applied one is late; what is missing is said first", () => {
  expect(hold({ version: 3, applied: [applied(1), applied(3)] })).toMatchObject({
    standings: "1 applied, 2 late, 3 applied",
    refusal: expect.stringContaining("000002_m2 comes before"),
  });
  const both = hold({ version: 9, applied: [applied(1), applied(3), applied(9)] });
  expect([both.standings, both.refusal.slice(0, 9)]).toEqual(["1 applied, 2 late, 3 applied, 9 missing", "000009_m9"]);
});
