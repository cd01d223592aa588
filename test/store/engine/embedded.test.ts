import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, mock, spyOn, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, relative } from "node:path";
import { execPath } from "node:process";
import Database from "libsql";
import PromiseDatabase from "libsql/promise";
import { deferred } from "../../../src/internal/deferred.ts";
import { collect } from "../../../src/store/engine/connection.ts";
import { createEmbeddedEngine } from "../../../src/store/engine/embedded.ts";
import type { Engine, Statement } from "../../../src/store/engine/engine.ts";
import { commitInPlace, commitOnThread, execOnThread } from "../../support/commit-in-place.ts";

const root = join(import.meta.dir, "../../..");
const folder = mkdtempSync(join(tmpdir(), "tidings-embedded-"));
let files = 0;
const newFile = (): string => join(folder, `chat-${files++}.db`);
beforeAll(commitOnThread);
afterAll(() => {
  commitInPlace();
  rmSync(folder, { recursive: true, force: true });
});

/** A process of its own that runs `code` with `Database`, `createEmbeddedEngine` and `file` in reach. */
function child(file: string, code: string) {
  const imports = `import Database from "libsql";
    import { createEmbeddedEngine } from "./src/store/engine/embedded.ts";
    const file = ${JSON.stringify(file)};`;
  const process = Bun.spawn([execPath, "-e", `${imports}\n${code}`], {
    cwd: root,
    stdin: "pipe",
    stdout: "pipe",
    stderr: "pipe",
  });
  const output = process.stdout.getReader();
  let text = "";
  return {
    process,
    /** Waits until the child has printed this word. */
    async says(word: string): Promise<void> {
      while (!text.includes(word)) {
        const { value, done } = await output.read();
        if (done) throw new Error(`The child ended: ${text} ${await new Response(process.stderr).text()}`);
        text += new TextDecoder().decode(value);
      }
    },
    async end(): Promise<string> {
      for (;;) {
        const { value, done } = await output.read();
        if (done) break;
        text += new TextDecoder().decode(value);
      }
      await process.exited;
      return text + (await new Response(process.stderr).text());
    },
  };
}

const holdLock = `createEmbeddedEngine({ path: file }); console.log("held"); setInterval(() => {}, 1000);`;
const tryLock = `try { await createEmbeddedEngine({ path: file }).close(); console.log("open"); }
  catch (error) { console.log(error.code, error.message); }`;

describe("embedded engine, one process a file", () => {
  test("E12 a second process is refused, with the name of the file and advice", async () => {
    const file = newFile();
    const engine = createEmbeddedEngine({ path: file });
    const answer = await child(file, tryLock).end();
    expect(answer).toStartWith("database_locked ");
    expect(answer).toContain(`${file}.lock`);
    expect(answer).toContain("Stop that process");
    await engine.close();
    expect(await child(file, tryLock).end()).toBe("open\n");
  });

  test("E12 a second engine of the same process is refused, under any name of the file", async () => {
    const file = newFile();
    const engine = createEmbeddedEngine({ path: file });
    symlinkSync(file, `${file}.link`);
    mkdirSync(`${file}.folder`);
    for (const name of [
      file,
      relative(process.cwd(), file),
      `${file}.link`,
      `${file}.folder/../${file.slice(folder.length)}`,
    ]) {
      expect(() => createEmbeddedEngine({ path: name })).toThrow(expect.objectContaining({ code: "database_locked" }));
    }
    expect(await child(file, tryLock).end()).toStartWith("database_locked ");
    await engine.close();
    const next = createEmbeddedEngine({ path: `${file}.link` });
    await next.close();
  });

  test("E12 kill -9 of the holder frees the file", async () => {
    const file = newFile();
    const holder = child(file, holdLock);
    await holder.says("held");
    expect(() => createEmbeddedEngine({ path: file })).toThrow(expect.objectContaining({ code: "database_locked" }));
    holder.process.kill("SIGKILL");
    await holder.process.exited;
    const engine = createEmbeddedEngine({ path: file });
    await engine.write([{ sql: "CREATE TABLE t (a)" }]);
    await engine.close();
  });

  test("E12 an engine without any reference keeps its lock", async () => {
    const file = newFile();
    const holder = child(
      file,
      `createEmbeddedEngine({ path: file }); Bun.gc(true); setTimeout(() => { Bun.gc(true); console.log("held"); }, 20); setInterval(() => {}, 1000);`,
    );
    await holder.says("held");
    expect(() => createEmbeddedEngine({ path: file })).toThrow(expect.objectContaining({ code: "database_locked" }));
    holder.process.kill("SIGKILL");
    await holder.process.exited;
  });

  test("E12 the lock outlives the connections that errors cost", async () => {
    const file = newFile();
    const engine = createEmbeddedEngine({ path: file });
    await expect(engine.write([{ sql: "INSERT NONSENSE" }])).rejects.toThrow();
    expect(await child(file, tryLock).end()).toStartWith("database_locked ");
    await expect(engine.read([{ sql: "SELECT * FROM nowhere" }])).rejects.toThrow();
    expect(await child(file, tryLock).end()).toStartWith("database_locked ");
    await engine.close();
  });

  // Upstream: after SQLITE_BUSY the next write on that connection is answered, yet never committed.
  test("E13 a write after SQLITE_BUSY is never lost", async () => {
    const file = newFile();
    const engine = createEmbeddedEngine({ path: file });
    const insert = (a: number) => engine.write([{ sql: "INSERT INTO t VALUES (?) RETURNING a", args: [a] }]);
    await engine.write([{ sql: "CREATE TABLE t (a)" }]);
    await insert(1);

    const intruder = child(
      file,
      `const db = new Database(file); db.exec("BEGIN IMMEDIATE"); console.log("began");
       await Bun.stdin.stream().getReader().read();
       db.exec("ROLLBACK"); process.exit(0);`,
    );
    await intruder.says("began");
    await expect(insert(2)).rejects.toMatchObject({ code: "unavailable" });
    await expect(insert(3)).rejects.toMatchObject({ code: "unavailable" });
    await intruder.process.stdin.write("go\n");
    await intruder.process.stdin.flush();
    await intruder.end();

    expect(await insert(4)).toEqual([[{ a: 4 }]]);
    const seen = `const db = new Database(file); console.log(JSON.stringify(db.prepare("SELECT a FROM t").raw().all().flat()));`;
    expect(await child(file, seen).end()).toBe("[1,4]\n");
    await engine.close();
  });

  test("E13 an acknowledged write survives kill -9", async () => {
    const file = newFile();
    const writer = child(
      file,
      `const engine = createEmbeddedEngine({ path: file });
       await engine.write([{ sql: "CREATE TABLE t (a)" }]);
       await engine.write([{ sql: "INSERT INTO t VALUES (1), (1)" }, { sql: "INSERT NONSENSE" }]).catch(() => {});
       for (let i = 0; i < 50; i++) await engine.write([{ sql: "INSERT INTO t VALUES (?)", args: [i] }]);
       console.log("acknowledged"); setInterval(() => {}, 1000);`,
    );
    await writer.says("acknowledged");
    writer.process.kill("SIGKILL");
    await writer.process.exited;
    const engine = createEmbeddedEngine({ path: file });
    expect(await engine.read([{ sql: "SELECT count(*) AS count FROM t" }])).toEqual([[{ count: 50 }]]);
    await engine.close();
  });

  // Upstream: close() leaves the transaction, and the write lock, open until prepared statements are collected.
  test("E14 a failed transaction leaves no lock behind", async () => {
    const engine = createEmbeddedEngine({ path: newFile() });
    await engine.write([{ sql: "CREATE TABLE t (a UNIQUE)" }]);
    for (let i = 0; i < 200; i++) {
      const insert = { sql: "INSERT INTO t VALUES (?)", args: [i] };
      await expect(engine.write([insert, insert])).rejects.toThrow("UNIQUE");
      await engine.write([insert]);
    }
    expect(await engine.read([{ sql: "SELECT count(*) AS count FROM t" }])).toEqual([[{ count: 200 }]]);
    await engine.close();
  });

  test("E14 more statements than the cache holds still work", async () => {
    const engine = createEmbeddedEngine({ path: newFile(), statementsMax: 4 });
    for (let round = 0; round < 2; round++) {
      for (let i = 0; i < 20; i++) expect(await engine.read([{ sql: `SELECT ${i} AS i` }])).toEqual([[{ i }]]);
    }
    await engine.close();
  });
});

/** The files beside a database, itself included, that others than their owner may read or write. */
function openToOthers(file: string): string[] {
  const name = basename(file);
  return readdirSync(folder)
    .filter((beside) => beside.startsWith(name) && (statSync(join(folder, beside)).mode & 0o077) !== 0)
    .map((beside) => beside.slice(name.length));
}

describe("embedded engine, privacy", () => {
  test("E20 every file of a new database is its owner's alone, also beside a generous umask", async () => {
    const file = newFile();
    const umask = process.umask(0);
    try {
      const engine = createEmbeddedEngine({ path: file });
      await engine.write([{ sql: "CREATE TABLE t (x)", args: [] }]);
      const names = readdirSync(folder).filter((name) => name.startsWith(basename(file)));
      expect(names.map((name) => name.slice(basename(file).length)).sort()).toEqual(
        expect.arrayContaining(["", "-shm", "-wal", ".lock"]),
      );
      expect(openToOthers(file)).toEqual([]);
      await engine.close();
    } finally {
      process.umask(umask);
    }
  });

  test("E20 a file that was there keeps the mode that its operator gave it", async () => {
    const file = newFile();
    writeFileSync(file, "");
    chmodSync(file, 0o640);
    const engine = createEmbeddedEngine({ path: file });
    await engine.write([{ sql: "CREATE TABLE t (x)", args: [] }]);
    expect(statSync(file).mode & 0o777).toBe(0o640);
    await engine.close();
  });

  test("control: E20 a file that all users may read is found", async () => {
    const file = newFile();
    writeFileSync(file, "");
    chmodSync(file, 0o644);
    const engine = createEmbeddedEngine({ path: file });
    await engine.write([{ sql: "CREATE TABLE t (x)", args: [] }]);
    expect(openToOthers(file)).toEqual(expect.arrayContaining(["", "-wal"]));
    await engine.close();
  });
});

describe("embedded engine, fitness", () => {
  test("E15 the connection is WAL, synchronous FULL, with foreign keys, also after an error", async () => {
    const engine = createEmbeddedEngine({ path: newFile() });
    const pragmas = ["journal_mode", "synchronous", "foreign_keys"].map((name) => ({ sql: `PRAGMA ${name}` }));
    const wanted = [[{ journal_mode: "wal" }], [{ synchronous: 2 }], [{ foreign_keys: 1 }]];
    expect(await engine.read(pragmas)).toEqual(wanted);
    await expect(engine.write([{ sql: "INSERT NONSENSE" }])).rejects.toThrow();
    expect(await engine.read(pragmas)).toEqual(wanted);
    await engine.close();
  });

  test("E15 a file that is no database is unfit, and its lock is given back", () => {
    const file = newFile();
    writeFileSync(file, "not a database ".repeat(400));
    for (let i = 0; i < 2; i++) {
      expect(() => createEmbeddedEngine({ path: file })).toThrow(expect.objectContaining({ code: "database_unfit" }));
    }
  });

  test("E15 when the file cannot be opened again, that call rejects too, and a later one works", async () => {
    const file = newFile();
    const engine = createEmbeddedEngine({ path: file });
    await engine.write([{ sql: "CREATE TABLE t (a)" }]);
    await expect(engine.write([{ sql: "INSERT NONSENSE" }])).rejects.toThrow();
    renameSync(file, `${file}.away`);
    mkdirSync(file);
    await expect(engine.write([{ sql: "INSERT INTO t VALUES (0)" }])).rejects.toMatchObject({ code: "unavailable" });
    await expect(engine.read([{ sql: "SELECT 1" }])).rejects.toMatchObject({ code: "unavailable" });
    rmdirSync(file);
    renameSync(`${file}.away`, file);
    await engine.write([{ sql: "INSERT INTO t VALUES (1)" }]);
    expect(await engine.read([{ sql: "SELECT a FROM t" }])).toEqual([[{ a: 1 }]]);
    await engine.close();
  });

  test("E16 close() leaves the whole database in its one file", async () => {
    const file = newFile();
    const engine = createEmbeddedEngine({ path: file });
    await engine.write([{ sql: "CREATE TABLE t (a)" }]);
    await engine.close();
    expect(existsSync(`${file}-wal`) ? statSync(`${file}-wal`).size : 0).toBe(0);
  });
});

describe("the log of a file", () => {
  const insert = { sql: "INSERT INTO t VALUES (randomblob(2000))" };

  test("E47 is moved into the file when nothing waits, once enough commits are in it", async () => {
    const file = newFile();
    const engine = createEmbeddedEngine({ path: file });
    await engine.write([{ sql: "CREATE TABLE t (x)" }]);
    for (let i = 0; i < 200; i++) await engine.write([insert]);
    const { size } = statSync(file);
    engine.rest?.();
    expect(statSync(file).size).toBe(size);
    for (let i = 0; i < 200; i++) await engine.write([insert]);
    expect(statSync(file).size).toBe(size);
    engine.rest?.();
    // It waits for its turn.
    await engine.read([{ sql: "SELECT 1" }]);
    expect(statSync(file).size).toBeGreaterThan(size + 400 * 2_000);
    // The log begins anew, under a mark of its own.
    await engine.write([insert]);
    await engine.close();
    await createEmbeddedEngine({ path: file }).close();
  });

  test("E47 is moved by the commit that makes it too long, and cut where a large transaction has made it longer", async () => {
    const file = newFile();
    const engine = createEmbeddedEngine({ path: file });
    await engine.write([{ sql: "CREATE TABLE t (x)" }]);
    const log = (): number => statSync(`${file}-wal`).size;
    await engine.write(Array.from({ length: 50 }, () => ({ sql: "INSERT INTO t VALUES (randomblob(1000000))" })));
    expect(log()).toBeGreaterThan(45e6);
    await engine.write([insert]);
    expect(log()).toBeLessThan(33 * 1024 * 1024);
    for (let i = 0; i < 12; i++) await engine.write(Array.from({ length: 1_000 }, () => insert));
    expect(log()).toBeLessThan(33 * 1024 * 1024);
    await engine.close();
  });

  test("E47 stays as it is where the engine is closed", async () => {
    const engine = createEmbeddedEngine({ path: newFile() });
    await engine.close();
    expect(() => engine.rest?.()).not.toThrow();
  });
});

describe("a file on a slow disk", () => {
  /** Time stands still, except in a slow commit: what else this machine does has no say in where commits run. */
  let now = performance.now();
  beforeEach(() => void spyOn(performance, "now").mockImplementation(() => now));
  afterEach(() => {
    commitOnThread();
    mock.restore();
  });

  /** A disk that makes everything wait that the driver does on a thread of its own, until it is released. */
  function slowDisk() {
    const waiting: (() => void)[] = [];
    const seen: string[] = [];
    PromiseDatabase.prototype.exec = async function (sql: string) {
      seen.push(sql);
      const { promise, resolve } = deferred<void>();
      waiting.push(() => resolve(undefined));
      await promise;
      await execOnThread.call(this, sql);
    };
    return { seen, release: (): void => waiting.shift()?.() };
  }

  /** A commit that holds up the event loop for so long that the next ones run on a thread. */
  async function writeSlowly(engine: Engine, statement: Statement): Promise<void> {
    const prototype: Database.Database = Database.prototype;
    const { exec } = prototype;
    prototype.exec = function (this: Database.Database, sql: string) {
      if (sql === "COMMIT") now += 20;
      return exec.call(this, sql);
    };
    try {
      await engine.write([statement]);
    } finally {
      prototype.exec = exec;
    }
  }

  /** Some turns of the event loop, in which everything happens that can. */
  async function turns(): Promise<void> {
    for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
  }

  async function until(isSo: () => boolean): Promise<void> {
    while (!isSo()) await turns();
  }

  const count = { sql: "SELECT count(*) AS count FROM t" };
  const insert = { sql: "INSERT INTO t VALUES (1)" };

  test("E48 a commit waits for the disk while the event loop goes on, and later calls wait for it in their order", async () => {
    const engine = createEmbeddedEngine({ path: newFile() });
    await writeSlowly(engine, { sql: "CREATE TABLE t (x)" });
    const disk = slowDisk();
    const ended: string[] = [];
    const note = <T>(name: string, call: Promise<T>): Promise<T> => call.finally(() => void ended.push(name));
    const calls = [
      note("write", engine.write([insert])),
      note("read", engine.read([count])),
      note("second write", engine.write([insert])),
      note("second read", engine.read([count])),
      note("close", engine.close()),
    ] as const;
    await turns();
    expect({ ended, seen: disk.seen }).toEqual({ ended: [], seen: ["COMMIT"] });
    expect(engine.fault?.()).toBeUndefined();
    disk.release();
    await until(() => disk.seen.length > 1);
    expect(disk.seen).toEqual(["COMMIT", "COMMIT"]);
    expect(ended).toEqual(["write", "read"]);
    disk.release();
    const [, before, , after] = await Promise.all(calls);
    expect([before, after]).toEqual([[[{ count: 1 }]], [[{ count: 2 }]]]);
  });

  test("E48 the log is moved into the file while the event loop goes on, and a write waits for it", async () => {
    const file = newFile();
    const engine = createEmbeddedEngine({ path: file });
    await engine.write([{ sql: "CREATE TABLE t (x)" }]);
    for (let i = 0; i < 299; i++) await engine.write([insert]);
    await writeSlowly(engine, insert);
    const disk = slowDisk();
    engine.rest?.();
    engine.rest?.();
    const written = engine.write([insert]);
    await turns();
    expect(disk.seen).toEqual(["PRAGMA wal_checkpoint(PASSIVE)"]);
    disk.release();
    await until(() => disk.seen.length > 1);
    disk.release();
    await written;
    expect(disk.seen).toEqual(["PRAGMA wal_checkpoint(PASSIVE)", "COMMIT"]);
    await engine.close();
  });

  test("E48 E7 a commit that fails on the disk leaves the calls that wait for it alone", async () => {
    const engine = createEmbeddedEngine({ path: newFile() });
    await writeSlowly(engine, { sql: "CREATE TABLE t (x)" });
    PromiseDatabase.prototype.exec = async () => {
      commitOnThread();
      throw new Error("the disk fails");
    };
    const failing = engine.write([insert]);
    const calls = Promise.all([engine.read([count]), engine.write([insert, count])]);
    await expect(failing).rejects.toMatchObject({ code: "unavailable" });
    expect(await calls).toEqual([[[{ count: 0 }]], [[], [{ count: 1 }]]]);
    await engine.close();
  });

  test("E49 the first commits run in place, those after slow ones on a thread, and those after short ones in place again", async () => {
    const engine = createEmbeddedEngine({ path: newFile() });
    const aside: string[] = [];
    PromiseDatabase.prototype.exec = async function (sql: string) {
      aside.push(sql);
      await execOnThread.call(this, sql);
    };
    await writeSlowly(engine, { sql: "CREATE TABLE t (x)" });
    expect(aside).toEqual([]);
    await engine.write([insert]);
    expect(aside).toEqual(["COMMIT"]);
    let commits = 1;
    for (; commits < 100 && commits === aside.length; commits++) await engine.write([insert]);
    expect(aside.length).toBe(commits - 1);
    expect(await engine.read([count])).toEqual([[{ count: commits }]]);
    await engine.close();
  });

  test("E49 a commit runs on a thread where the log has not been moved for 300 commits", async () => {
    const engine = createEmbeddedEngine({ path: newFile() });
    await engine.write([{ sql: "CREATE TABLE t (x)" }]);
    for (let i = 0; i < 300; i++) await engine.write([insert]);
    const aside: string[] = [];
    PromiseDatabase.prototype.exec = async function (sql: string) {
      aside.push(sql);
      await execOnThread.call(this, sql);
    };
    await engine.write([insert]);
    expect(aside).toEqual(["COMMIT"]);
    await engine.close();
  });

  test("E7 writes go on when the connection that failed was collected, and SQLite has deleted its log", async () => {
    const file = newFile();
    const engine = createEmbeddedEngine({ path: file });
    await engine.write([{ sql: "CREATE TABLE t (x UNIQUE)" }]);
    await expect(engine.write([insert, insert])).rejects.toThrow("UNIQUE");
    for (let i = 0; i < 50 && existsSync(`${file}-wal`); i++) {
      collect();
      await turns();
    }
    expect(existsSync(`${file}-wal`)).toBe(false);
    expect(await engine.write([insert, count])).toEqual([[], [{ count: 1 }]]);
    await engine.close();
  });
});
