import { expect, test } from "bun:test";
import { createDiskPace } from "../../../src/store/engine/disk-pace.ts";

const small = { statementsMs: 0.2, isLogLong: false };

test("E49 commits run in place while they are short, and on a thread once the last ones were slow", () => {
  const pace = createDiskPace();
  expect(pace.isAside(small)).toBe(false);
  for (let i = 0; i < 100; i++) pace.took(1.9);
  expect(pace.isAside(small)).toBe(false);
  let commits = 0;
  for (; commits < 8 && !pace.isAside(small); commits++) pace.took(3);
  expect(commits).toBeLessThan(8);
});

test("E49 a disk that takes 10 ms is slow with the second commit, and a single commit of 15 ms makes none slow", () => {
  const slow = createDiskPace();
  slow.took(10);
  expect(slow.isAside(small)).toBe(false);
  slow.took(10);
  expect(slow.isAside(small)).toBe(true);
  const once = createDiskPace();
  once.took(15);
  expect(once.isAside(small)).toBe(false);
});

test("E49 commits that are neither short nor slow stay where they are", () => {
  const pace = createDiskPace();
  for (let i = 0; i < 100; i++) pace.took(10);
  for (let i = 0; i < 100; i++) pace.took(1.1);
  expect(pace.isAside(small)).toBe(true);
  for (let i = 0; i < 100; i++) pace.took(0.9);
  expect(pace.isAside(small)).toBe(false);
  for (let i = 0; i < 100; i++) pace.took(1.1);
  expect(pace.isAside(small)).toBe(false);
});

test("E49 a commit of many pages runs on a thread, and so does one that is likely to move the log", () => {
  const pace = createDiskPace();
  expect(pace.isAside({ statementsMs: 1, isLogLong: false })).toBe(true);
  expect(pace.isAside({ statementsMs: 0.2, isLogLong: true })).toBe(true);
  expect(pace.isAside(small)).toBe(false);
});
