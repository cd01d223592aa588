import { expect, test } from "bun:test";
import { scenarios, type Size } from "./scenarios.ts";
import { expectRight, planted, small, wrongsOf } from "./small.ts";

const many: Size = { ...small, connections: 400 };

test("R3 readers that stopped, one by one or with their process, cost bounded memory and get everything", async () => {
  expectRight(await scenarios.frozenReaders.run(small));
});

test("control: R3 a server that ignores its sockets' buffers is seen by its memory", async () => {
  const start = planted("the bytes that sockets hold are not counted");
  expect(wrongsOf(await scenarios.pausedReaders.run(small, start))).toContain("memory grew by");
});

test("R4 silent and dripping peers are closed while they are written to, others stay", async () => {
  expectRight(await scenarios.silentPeers.run(small));
});

test("control: R4 a heartbeat that sending satisfies keeps the silent", async () => {
  const start = planted("sending satisfies the heartbeat");
  expect(wrongsOf(await scenarios.silentPeers.run({ ...small, patienceMs: 2_000 }, start))).toContain(
    "6 silent of 6 were closed with []",
  );
});

test("R6 after a crash all come back at one instant and are resumed whole", async () => {
  expectRight(await scenarios.killStampede.run(many));
});

test("control: R6 a server that resumes at the head is caught with the messages that it left out", async () => {
  const start = planted("a resumed connection starts at the head");
  expect(wrongsOf(await scenarios.killStampede.run(small, start))).toContain("saw []");
});

test("control: R7 a server that does not know its limit of open files leaves the surplus without an answer", async () => {
  const start = planted("the limit of open files is not known");
  expect(wrongsOf(await scenarios.fullHouse.run({ ...small, connections: 100, patienceMs: 1_500 }, start))).toContain(
    "in place of 429",
  );
});
