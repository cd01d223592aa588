import { afterAll, afterEach, beforeEach, describe, expect, test } from "bun:test";
import { randomUUID } from "node:crypto";
import {
  copyFileSync,
  cpSync,
  existsSync,
  linkSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import Database from "libsql";
import { blocksOf } from "../docs/block.ts";
import { plant, type PlantName } from "../plants/index.ts";
import type { Alteration } from "../support/alter-source.ts";
import { startAltered } from "../support/alteration.ts";
import { cliScript } from "../support/bundled-server.ts";
import { type RunningServer, startServer, temporaryFolder } from "../support/server.ts";

const root = join(import.meta.dir, "../..");
let dir: string;
let servers: RunningServer[];
beforeEach(() => {
  dir = temporaryFolder();
  servers = [];
});
afterEach(async () => {
  for (const server of servers) await server.dispose();
  rmSync(dir, { recursive: true, force: true });
});

const at = (name: string): string => join(dir, name);

async function start(): Promise<RunningServer> {
  const server = await startServer({ dir });
  servers.push(server);
  return server;
}

/** Runs `tidings` in the folder of the database; answers its output. */
const tidings = (...args: string[]): Promise<{ code: number; said: string }> => tidingsWith([], ...args);

/** The same with parts of its source replaced. */
async function tidingsWith(alterations: readonly Alteration[], ...args: string[]) {
  const altered = ["--preload", join(root, "test/support/alter-preload.ts"), join(root, "src/cli.ts")];
  const script = alterations.length > 0 ? altered : [await cliScript()];
  const child = Bun.spawn([process.execPath, ...script, ...args], {
    cwd: dir,
    env: { PATH: process.env["PATH"] ?? "", HOME: dir, ALTERATIONS: JSON.stringify(alterations) },
    stdout: "pipe",
    stderr: "pipe",
  });
  const texts = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  return { code: await child.exited, said: texts.join("") };
}

async function post(server: RunningServer, text: string): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${server.port}/messages?user=alice`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ id: randomUUID(), to: "bob", text }),
  });
  await response.body?.cancel();
  return response.status;
}

/** Sends `count` messages; more than fit into a log make SQLite move it into the file. */
async function send(server: RunningServer, name: string, count: number): Promise<void> {
  const statuses = await Promise.all(
    Array.from({ length: count }, (_, i) => post(server, `${name} ${i} ${"x".repeat(900)}`)),
  );
  expect(new Set(statuses)).toEqual(new Set([201]));
}

/** How many messages of each name the database holds, and whether it is intact. No process has it open. */
function look(file: string): { counts: Record<string, number>; check: unknown } {
  const database = new Database(file);
  try {
    const sql =
      "SELECT substr(text, 1, instr(text, ' ') - 1) AS name, count(*) AS count FROM tidings_message GROUP BY 1";
    const rows = database.prepare(sql).all() as { name: string; count: number }[];
    const [row] = database.prepare("PRAGMA integrity_check(1)").all() as { integrity_check: string }[];
    return { counts: Object.fromEntries(rows.map(({ name, count }) => [name, count])), check: row?.integrity_check };
  } catch (error) {
    return { counts: {}, check: String(error) };
  } finally {
    database.close();
  }
}

const bytesOf = (...names: string[]): string => names.map((name) => Bun.hash(readFileSync(at(name)))).join();

/** Where a process has died after a backup and much more that it wrote; made once, and copied. */
let died: Promise<string> | undefined;
afterAll(async () => {
  const folder = await died?.catch(() => undefined);
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
});

async function makeDied(): Promise<string> {
  const folder = temporaryFolder();
  const place = (name: string): string => join(folder, name);
  const first = await startServer({ dir: folder });
  await send(first, "old", 30);
  expect(await first.stop()).toBe(0);
  copyFileSync(place("tidings.db"), place("backup.db"));
  const second = await startServer({ dir: folder });
  for (let i = 0; i < 12; i++) await send(second, `new${i}`, 200);
  // The log is moved into the file, so that the next one does not go with the backup.
  expect(await second.stop()).toBe(0);
  const third = await startServer({ dir: folder });
  // A reader still has the snapshot from before the last messages, so these are not moved into the file yet.
  const reader = new Database(place("tidings.db"), { readonly: true });
  reader.exec("BEGIN");
  reader.prepare("SELECT count(*) FROM tidings_message").all();
  for (let i = 0; i < 3; i++) await send(third, "last", 1);
  await third.kill9();
  // The last connection that is closed moves all of it.
  const copy = temporaryFolder();
  cpSync(folder, copy, { recursive: true });
  reader.close();
  rmSync(folder, { recursive: true, force: true });
  expect(existsSync(join(copy, "tidings.db-wal"))).toBe(true);
  return copy;
}

/** A database with a backup of it, and the log of a process that died after it wrote much more. */
async function dieAfterBackup(): Promise<void> {
  died ??= makeDied();
  cpSync(await died, dir, { recursive: true });
}

describe("a restore after kill -9", () => {
  test("D21 a backup that was copied over the file is refused while the old log is beside it, and nothing is changed", async () => {
    await dieAfterBackup();
    copyFileSync(at("backup.db"), at("tidings.db"));
    const before = bytesOf("tidings.db", "tidings.db-wal");
    await expect(start()).rejects.toThrow("does not belong to");
    for (const args of [
      ["epoch", "new"],
      ["migrate", "up"],
      ["backup", "copy.db"],
    ]) {
      const { code, said } = await tidings(...args);
      expect(said).toContain("tidings restore");
      expect(code).toBe(1);
    }
    expect(bytesOf("tidings.db", "tidings.db-wal")).toBe(before);
  });

  test("control: D21 without the check the database is damaged", async () => {
    await dieAfterBackup();
    copyFileSync(at("backup.db"), at("tidings.db"));
    const alterations = plant("a file is opened with the log of another one");
    const server = await startAltered({ dir, alterations }).catch(() => undefined);
    await server?.dispose();
    expect(look(at("tidings.db")).check).not.toBe("ok");
  });

  test("D22 K8 `tidings restore` serves the content of the backup, under a new epoch, and keeps the old database", async () => {
    await dieAfterBackup();
    const { code, said } = await tidings("restore", "backup.db");
    expect(said).toMatch(
      /^restored backup\.db \(checked\)\nepoch [0-9a-z]{11}\nkept the replaced file as .*tidings\.db\.replaced-/,
    );
    expect(code).toBe(0);
    expect(readdirSync(dir).filter((name) => name.includes("restoring"))).toEqual([]);
    const server = await start();
    await send(server, "later", 30);
    expect(await server.stop()).toBe(0);
    expect(look(at("tidings.db"))).toEqual({ counts: { old: 30, later: 30 }, check: "ok" });
    const [kept = ""] = readdirSync(dir).filter((name) => /replaced-\w+$/.test(name));
    const { counts, check } = look(at(kept));
    expect([check, counts["old"], counts["new11"]]).toEqual(["ok", 30, 200]);
  });

  test("D20 D22 the steps of the page on the database do it, with kill -9 between them", async () => {
    const steps = blocksOf("docs/database.md")
      .filter(({ language }) => language === "sh")
      .flatMap(({ text }) => text.trim().split("\n"))
      .filter((line) => /^tidings (backup|restore) /.test(line))
      .map((line) => line.replace("docs-example.db", "tidings.db").split(" ").slice(1));
    const [backup = [], restore = []] = steps;
    expect(steps.map(([step]) => step)).toEqual(["backup", "restore"]);
    const first = await start();
    await send(first, "old", 100);
    expect((await tidings(...backup)).code).toBe(0);
    for (let i = 0; i < 12; i++) await send(first, `new${i}`, 100);
    await first.kill9();
    expect((await tidings(...restore)).code).toBe(0);
    const server = await start();
    await send(server, "later", 10);
    expect(await server.stop()).toBe(0);
    expect(look(at("tidings.db"))).toEqual({ counts: { old: 100, later: 10 }, check: "ok" });
  });

  test("D22 a restore that was killed between its steps is done again, and no server starts before", async () => {
    await dieAfterBackup();
    // The files that remain when it dies just before the new file gets the name.
    copyFileSync(at("backup.db"), at("tidings.db.restoring"));
    linkSync(at("tidings.db"), at("tidings.db.replaced-1"));
    renameSync(at("tidings.db-wal"), at("tidings.db.replaced-1-wal"));
    await expect(start()).rejects.toThrow("has 2 names");
    expect((await tidings("restore", "backup.db")).code).toBe(0);
    const server = await start();
    await server.stop();
    expect(look(at("tidings.db"))).toEqual({ counts: { old: 30 }, check: "ok" });
  });

  test("D22 a damaged backup, one in use and a file that is none are refused, and the database stays", async () => {
    await dieAfterBackup();
    const damaged = readFileSync(at("backup.db"));
    damaged.fill(0xab, 5 * 4096, 7 * 4096);
    writeFileSync(at("damaged.db"), damaged);
    writeFileSync(at("none.db"), "no database ".repeat(1_000));
    const before = bytesOf("tidings.db", "tidings.db-wal");
    for (const name of ["damaged.db", "none.db", "missing.db", "tidings.db"])
      expect((await tidings("restore", name)).code).toBe(1);
    expect(bytesOf("tidings.db", "tidings.db-wal")).toBe(before);
    const server = await start();
    expect((await tidings("restore", "backup.db")).said).toContain("is in use");
    expect(await post(server, "still here")).toBe(201);
    expect((await tidings("restore", "tidings.db", "--database", "file:other.db")).said).toContain("is in use");
    expect(existsSync(at("other.db"))).toBe(false);
  });
});

/** The result of a restore that dies there: the output of the next start, and the content of the database. */
async function dieIn(...bugs: readonly PlantName[]): Promise<{ next: string; counts: Record<string, number> }> {
  await dieAfterBackup();
  const { code } = await tidingsWith(
    bugs.flatMap((bug) => plant(bug)),
    "restore",
    "backup.db",
  );
  expect(code).not.toBe(0);
  const next = await start().then(
    async (server) => `stopped with ${await server.stop()}`,
    (error: unknown) => (String(error).includes("has 2 names") ? "refused" : String(error)),
  );
  return { next, counts: next === "refused" ? {} : look(at("tidings.db")).counts };
}

describe("a restore that is killed", () => {
  const steps: Readonly<Record<string, readonly [bug: PlantName, wanted: string]>> = {
    "before the first": ["a restore dies before its first step", "stopped with 0"],
    "after the second name": ["a restore dies after the second name", "refused"],
    "after the log has gone": ["a restore dies after the log has gone", "refused"],
    "after the last": ["a restore dies after its last step", "stopped with 0"],
  };

  for (const [name, [bug, wanted]] of Object.entries(steps))
    test(`D22 ${name} of its steps leaves the one, the other, or what no server starts on`, async () => {
      const { next, counts } = await dieIn(bug);
      expect(next).toBe(wanted);
      const whole = name === "after the last" ? { old: 30 } : expect.objectContaining({ old: 30, new11: 200 });
      expect(counts).toEqual(next === "refused" ? {} : whole);
      expect((await tidings("restore", "backup.db")).code).toBe(0);
      expect(look(at("tidings.db"))).toEqual({ counts: { old: 30 }, check: "ok" });
    });

  test("control: D22 one that takes the log away first loses accepted messages", async () => {
    const { next, counts } = await dieIn("a restore takes the log away first", "a restore dies after the log has gone");
    expect(next).toBe("stopped with 0");
    expect(counts["last"] ?? 0).toBeLessThan(3);
  });
});

describe("a backup", () => {
  test("control: D20 a mere copy of the file of a running server lacks the messages in its log", async () => {
    const server = await start();
    await send(server, "before", 100);
    expect((await tidingsWith(plant("a backup is a mere copy of the file"), "backup", "copy.db")).code).toBe(0);
    expect(look(at("copy.db")).counts["before"] ?? 0).toBeLessThan(100);
  });

  test("D20 of a running server is whole, is one moment, and is not in the way of its writes", async () => {
    const server = await start();
    await send(server, "before", 200);
    let isDone = false;
    let meanwhile = 0;
    const writing = (async (): Promise<void> => {
      while (!isDone) {
        await send(server, "meanwhile", 20);
        meanwhile += 20;
      }
    })();
    try {
      expect(await tidings("backup", "copy.db")).toMatchObject({ code: 0 });
    } finally {
      isDone = true;
      await writing;
    }
    const before = bytesOf("copy.db");
    expect((await tidings("backup", "copy.db")).said).toContain("exists");
    expect(bytesOf("copy.db")).toBe(before);
    expect(statSync(at("copy.db")).mode & 0o777).toBe(0o600);
    await server.kill9();
    expect(readdirSync(dir).filter((name) => /part|copy\.db-/.test(name))).toEqual([]);
    const { counts, check } = look(at("copy.db"));
    expect([check, counts["before"]]).toEqual(["ok", 200]);
    expect(counts["meanwhile"] ?? 0).toBeLessThanOrEqual(meanwhile);
    // And it goes back, though the log of the process that died is of the same days.
    expect((await tidings("restore", "copy.db")).code).toBe(0);
    const next = await start();
    expect(await post(next, "later 1")).toBe(201);
    await next.stop();
    expect(look(at("tidings.db"))).toEqual({ counts: { ...counts, later: 1 }, check: "ok" });
  });

  test("D21 one that was copied over the file, with the log of the same days beside it, is refused too", async () => {
    const server = await start();
    await send(server, "before", 100);
    expect((await tidings("backup", "copy.db")).code).toBe(0);
    await send(server, "after", 100);
    await server.kill9();
    copyFileSync(at("copy.db"), at("tidings.db"));
    await expect(start()).rejects.toThrow("does not belong to");
  });

  test("D20 of a damaged database is refused, and leaves nothing", async () => {
    await dieAfterBackup();
    const server = await start();
    await server.stop();
    const damaged = readFileSync(at("tidings.db"));
    damaged.fill(0xab, 200 * 4096, 210 * 4096);
    writeFileSync(at("tidings.db"), damaged);
    for (const args of [
      ["backup", "copy.db"],
      ["epoch", "new"],
    ]) {
      const { code, said } = await tidings(...args);
      expect(said).toMatch(/malformed|damaged/);
      expect(code).toBe(1);
    }
    expect(readdirSync(dir).filter((name) => name.startsWith("copy"))).toEqual([]);
  });
});
