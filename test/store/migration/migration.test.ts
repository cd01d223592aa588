import { expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { hashOf, inOrder, labelOf, type Migration } from "../../../src/store/migration/migration.ts";

const migration = (version: number, up = "", name = "step"): Migration => ({ version, name, up, down: "" });

test("M8 migrations are ordered by their versions, each used once, from 1 up", () => {
  const [one, two, ten] = [migration(1), migration(2), migration(10)];
  const given = [ten, one, two];
  expect([inOrder(given), given]).toEqual([
    [one, two, ten],
    [ten, one, two],
  ]);
  for (const wrong of [0, -1, 1.5, Number.NaN])
    expect(() => inOrder([migration(wrong)])).toThrow("is an integer from 1 up");
  expect(() => inOrder([two, migration(2, "", "other")])).toThrow("000002_step and 000002_other have the same version");
  expect(inOrder([])).toEqual([]);
});

test("M7 the hash is that of the way up, whatever the line ends, the name and the way down are", async () => {
  const sum = createHash("sha256").update("a\nb\n").digest("hex");
  expect(
    await Promise.all(
      [migration(1, "a\nb\n"), migration(9, "a\r\nb\r\n", "x"), { ...migration(1, "a\nb\n"), down: "c" }].map(hashOf),
    ),
  ).toEqual([sum, sum, sum]);
  expect(await hashOf(migration(1, "a\nb"))).not.toBe(sum);
});

test("M9 a migration is called by its number in six digits and its name", () => {
  expect([labelOf(migration(1)), labelOf(migration(1_234_567))]).toEqual(["000001_step", "1234567_step"]);
});
