import { afterEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { classesOf, describeFaults, type Event, judge } from "../checker/checker.ts";
import { connect, endClients, isTyping } from "../../support/client.ts";
import { until } from "../../support/fake-socket.ts";
import { describeWhere, describeWith, programPath } from "../../support/prerequisite.ts";
import { plantedStart, type Start, startServer } from "../../support/server.ts";
import { createCorrespondent, historyAt, isReady } from "./correspondent.ts";
import { mayMount, mountSmallDisk } from "./small-disk.ts";
import { deadline } from "../../support/deadline.ts";

afterEach(endClients);

const diskBytes = 5 * 1024 * 1024;
const ballastBytes = 1_300_000;
const textBytes = 8_000;
/** More than the disk can hold. */
const messagesMax = 500;

const startPlanted = plantedStart(import.meta.dir);

const expectWhole = (events: readonly Event[]): void => {
  const faults = judge(events);
  if (faults.length > 0) throw new Error(describeFaults(faults));
};

/** Opens the first devices of both users, which stay, and returns where the history begins. */
async function enter(url: string) {
  const bob = await connect(url, { user: "bob" });
  const alice = await connect(url, { user: "alice" });
  return { alice, bob, beginning: bob.welcome.cursor };
}

/** The store looks up the conversation's members, and the answer reaches alice: reads continue. */
async function expectReads(url: string, { alice, bob }: Awaited<ReturnType<typeof enter>>): Promise<void> {
  await bob.when(() => bob.messages().length > 0, deadline.answerMs, `a message at ${url}`);
  const [{ conversation } = { conversation: "" }] = bob.messages();
  bob.typing({ conversation });
  await alice.next(isTyping);
}

/** Whether it stays unready, even after it has checked the disk by itself; no client asks meanwhile. */
async function staysUnready(port: number): Promise<boolean> {
  for (let i = 0; i < 20; i++) {
    if (await isReady(port)) return false;
    await Bun.sleep(10);
  }
  return true;
}

describeWhere(mayMount(), "the right to mount", "a full disk", () => {
  test("D5 R1 accepting stops and resumes by itself, reads continue, and nothing is lost, even by kill -9", async () => {
    using disk = mountSmallDisk(diskBytes);
    const ballast = join(disk.path, "ballast");
    writeFileSync(ballast, new Uint8Array(ballastBytes));
    const options = { dir: disk.path, env: { TMPDIR: tmpdir() } };
    let server = await startServer(options);
    const events: Event[] = [];
    const writer = createCorrespondent("alice", "bob", events);
    try {
      const people = await enter(server.url);
      for (let i = 0; i < messagesMax && (await writer.write(server.url, textBytes)); i++);
      expect(writer.accepted()).toBeGreaterThan(10);
      expect(writer.accepted()).toBeLessThan(messagesMax);
      // The remaining space is used by a few small commits; then nothing works any more, and it reports that.
      await until(async () => {
        await writer.write(server.url, textBytes);
        return await staysUnready(server.port);
      }, "a server that reports that it is not ready");
      await expectReads(server.url, people);
      const seen = people.bob.messages().length;
      expect(seen).toBe(writer.accepted());

      await server.kill9();
      // It serves reads, or says why it cannot, as where not even a lock can be written.
      const restarted = await startServer(options).catch(String);
      if (typeof restarted === "string") expect(restarted).toContain("database or disk is full");
      else {
        server = restarted;
        expectWhole([...events, await historyAt(server.url, "bob", people.beginning)]);
        expect(await writer.write(server.url, textBytes)).toBe(false);
      }
      rmSync(ballast);
      if (typeof restarted === "string") server = await startServer(options);
      await until(() => isReady(server.port), "a server that is ready again");
      for (let i = 0; i < 20; i++) expect(await writer.write(server.url, 100)).toBe(true);
      expectWhole([...events, await historyAt(server.url, "bob", people.beginning)]);
      expect(await server.stop()).toBe(0);
      server = await startServer(options);
      expectWhole([...events, await historyAt(server.url, "bob", people.beginning)]);
    } finally {
      await server.dispose();
    }
  });

  test("control: D5 a server that swallows the error of a commit is caught", async () => {
    using disk = mountSmallDisk(diskBytes);
    const ballast = join(disk.path, "ballast");
    writeFileSync(ballast, new Uint8Array(ballastBytes));
    const server = await startPlanted("swallow")({ dir: disk.path, env: { TMPDIR: tmpdir() } });
    const events: Event[] = [];
    const writer = createCorrespondent("alice", "bob", events);
    try {
      const { beginning } = await enter(server.url);
      for (let i = 0; i < messagesMax && (await writer.write(server.url, textBytes)); i++);
      await server.kill9();
      rmSync(ballast);
      const honest = await startServer({ dir: disk.path, env: { TMPDIR: tmpdir() } });
      try {
        events.push(await historyAt(honest.url, "bob", beginning));
      } finally {
        await honest.dispose();
      }
      expect(classesOf(judge(events))).toContain("lost");
    } finally {
      await server.dispose();
    }
  });
});

describeWith("gcc", "an fsync that fails", () => {
  /** A folder with the compiled shim, and the flag that makes fsync fail while it exists. */
  function prepare() {
    const folder = mkdtempSync(join(tmpdir(), "tidings-fsync-"));
    const shim = join(folder, "fsync-shim.so");
    const source = join(import.meta.dir, "fsync-shim.c");
    const built = Bun.spawnSync([programPath("gcc"), "-shared", "-fPIC", "-O1", "-o", shim, source, "-ldl"]);
    if (built.exitCode !== 0) throw new Error(`The shim was not compiled: ${built.stderr.toString()}`);
    const flag = join(folder, "flag");
    const env = { LD_PRELOAD: shim, FSYNC_SHIM_FLAG: flag, FSYNC_SHIM_NAME: "tidings.db" };
    return {
      env,
      fail: (): void => writeFileSync(flag, ""),
      heal: (): void => rmSync(flag),
      [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
    };
  }

  /** How many were accepted while every fsync failed, and whether anything was lost. */
  async function run(start: Start): Promise<{ acceptedInVain: number }> {
    using shim = prepare();
    const server = await start({ env: shim.env });
    const events: Event[] = [];
    const writer = createCorrespondent("alice", "bob", events);
    try {
      const people = await enter(server.url);
      for (let i = 0; i < 10; i++) expect(await writer.write(server.url, 1_000)).toBe(true);
      const before = writer.accepted();
      shim.fail();
      for (let i = 0; i < 10; i++) await writer.write(server.url, 1_000);
      const acceptedInVain = writer.accepted() - before;
      if (acceptedInVain > 0) return { acceptedInVain };
      expect(await staysUnready(server.port)).toBe(true);
      await expectReads(server.url, people);
      shim.heal();
      await until(() => isReady(server.port), "a server that is ready again");
      for (let i = 0; i < 10; i++) expect(await writer.write(server.url, 1_000)).toBe(true);
      expectWhole([...events, await historyAt(server.url, "bob", people.beginning)]);
      await server.kill9();
      const next = await startServer({ dir: server.dir });
      try {
        expectWhole([...events, await historyAt(next.url, "bob", people.beginning)]);
      } finally {
        await next.dispose();
      }
      return { acceptedInVain };
    } finally {
      await server.dispose();
    }
  }

  test("D5 R1 accepting stops at once and resumes by itself, reads continue, and nothing is lost", async () => {
    expect(await run(startServer)).toEqual({ acceptedInVain: 0 });
  });

  test("control: D5 a server that never syncs goes on accepting, and is caught", async () => {
    expect((await run(startPlanted("no fsync"))).acceptedInVain).toBeGreaterThan(0);
  });
});
