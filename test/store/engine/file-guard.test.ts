import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { randomUUID } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createEmbeddedEngine } from "../../../src/store/engine/embedded.ts";
import type { Engine } from "../../../src/store/engine/engine.ts";
import { mayMount } from "../../proof/fault/small-disk.ts";
import type { Alteration } from "../../support/alter-source.ts";
import { plant } from "../../plants/index.ts";
import { startAltered } from "../../support/alteration.ts";
import { describeWhere } from "../../support/prerequisite.ts";
import { type RunningServer, startServer } from "../../support/server.ts";

const root = join(import.meta.dir, "../../..");
let dir: string;
let servers: RunningServer[];
let engines: Engine[];
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "tidings-guard-"));
  servers = [];
  engines = [];
});
afterEach(async () => {
  for (const engine of engines) await engine.close();
  for (const server of servers) await server.dispose();
  rmSync(dir, { recursive: true, force: true });
});

const at = (name: string): string => join(dir, name);

function open(name: string): Engine {
  const engine = createEmbeddedEngine({ path: at(name) });
  engines.push(engine);
  return engine;
}

async function start(options: { name?: string; alterations?: readonly Alteration[] } = {}): Promise<RunningServer> {
  // A file that is refused is not tried again.
  const env = { DATABASE_URL: `file:${at(options.name ?? "tidings.db")}`, START_MS: "0" };
  const server = await (options.alterations
    ? startAltered({ dir, env, alterations: options.alterations })
    : startServer({ dir, env }));
  servers.push(server);
  return server;
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

/** The texts that bob has, or the status that he is answered with. */
async function texts(server: RunningServer): Promise<string[] | number> {
  const response = await fetch(`http://127.0.0.1:${server.port}/messages?user=bob&with=alice&limit=100`);
  const body = (await response.json()) as { messages: { text: string }[] };
  return response.status === 200 ? body.messages.map(({ text }) => text).toSorted() : response.status;
}

async function readiness(server: RunningServer): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${server.port}/readyz`);
  const { status, trouble } = (await response.json()) as { status: string; trouble?: string };
  return `${response.status} ${trouble ?? status}`;
}

/** Waits until it holds; the test's own deadline ends a wait for what never comes. */
async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await Bun.sleep(10);
}

const saysMoved = (server: RunningServer): boolean => server.output().includes("is no longer the file that was opened");

describe("a second name of a file", () => {
  test("D23 a file with a hard link is refused, and so is the link", async () => {
    await (await start()).stop();
    linkSync(at("tidings.db"), at("other.db"));
    for (const name of ["tidings.db", "other.db"]) await expect(start({ name })).rejects.toThrow("has 2 names");
    rmSync(at("other.db"));
    expect(await post(await start(), "one")).toBe(201);
  });

  test("D23 a link that is made while a server runs lets no second one in", async () => {
    const server = await start();
    linkSync(at("tidings.db"), at("other.db"));
    await expect(start({ name: "other.db" })).rejects.toThrow("has 2 names");
    expect(await post(server, "one")).toBe(201);
  });

  test("control: D23 without the check two servers accept, and one's messages are lost", async () => {
    const alterations = plant("a file with several names is opened");
    await (await start()).stop();
    linkSync(at("tidings.db"), at("other.db"));
    const one = await start({ alterations });
    const other = await start({ name: "other.db", alterations });
    let accepted = 0;
    for (let i = 0; i < 20; i++) {
      if ((await post(one, `one ${i}`)) === 201) accepted++;
      if ((await post(other, `other ${i}`)) === 201) accepted++;
    }
    await one.kill9();
    await other.kill9();
    rmSync(at("other.db"));
    const found = await start().then(texts, () => []);
    expect(Array.isArray(found) ? found.length : 0).toBeLessThan(accepted);
  });
});

/** Runs a command as root; throws its output. */
function sudo(...command: string[]): void {
  const prefix = process.getuid?.() === 0 ? [] : ["sudo", "-n"];
  const { exitCode, stderr } = Bun.spawnSync([...prefix, ...command], { stdin: "ignore", stdout: "ignore" });
  if (exitCode !== 0) throw new Error(new TextDecoder().decode(stderr));
}

describeWhere(mayMount(), "the right to mount", "a file that is mounted elsewhere", () => {
  test("D23 a file that is mounted by itself is refused; a folder that is mounted has one lock", async () => {
    const server = await start();
    mkdirSync(at("container"));
    writeFileSync(at("container/tidings.db"), "");
    sudo("mount", "--bind", at("tidings.db"), at("container/tidings.db"));
    try {
      await expect(start({ name: "container/tidings.db" })).rejects.toThrow("Mount the folder");
    } finally {
      sudo("umount", at("container/tidings.db"));
    }
    mkdirSync(at("mounted"));
    sudo("mount", "--bind", dir, at("mounted"));
    try {
      await expect(start({ name: "mounted/tidings.db" })).rejects.toThrow("is in use");
      if (process.getuid?.() !== 0) return;
      // Also from another space of process ids, as a container has.
      const env = {
        PATH: process.env["PATH"] ?? "",
        PORT: "0",
        DATABASE_URL: `file:${at("mounted/tidings.db")}`,
        START_MS: "0",
      };
      const command = ["unshare", "--pid", "--fork", "--mount-proc", process.execPath, join(root, "src/server.ts")];
      const child = Bun.spawnSync(command, { cwd: dir, env, stdout: "ignore", stderr: "pipe" });
      expect(new TextDecoder().decode(child.stderr)).toContain("is in use");
    } finally {
      sudo("umount", at("mounted"));
    }
    expect(await post(server, "one")).toBe(201);
  });
});

describe("the file of a running server", () => {
  test("D24 a backup that is moved over it: accepting stops, reads go on, and the next start serves the backup", async () => {
    const first = await start();
    expect(await post(first, "old")).toBe(201);
    await first.stop();
    copyFileSync(at("tidings.db"), at("backup.db"));
    const server = await start();
    expect(await post(server, "lost by the restore")).toBe(201);
    renameSync(at("backup.db"), at("tidings.db"));
    expect(await post(server, "too late")).toBe(503);
    expect(await readiness(server)).toBe("503 file");
    expect(await texts(server)).toEqual(["lost by the restore", "old"]);
    await until(() => saysMoved(server));
    expect(await server.stop()).toBe(0);
    expect(await texts(await start())).toEqual(["old"]);
  });

  test("D24 it is reported also without a write, and accepting goes on when the file is back", async () => {
    const server = await start();
    expect(await post(server, "before")).toBe(201);
    renameSync(at("tidings.db"), at("away.db"));
    await until(() => saysMoved(server));
    await until(async () => (await readiness(server)) === "503 file");
    expect(existsSync(at("tidings.db"))).toBe(false);
    renameSync(at("away.db"), at("tidings.db"));
    await until(async () => (await readiness(server)) === "200 ready");
    expect(await post(server, "after")).toBe(201);
    await server.kill9();
    expect(await texts(await start())).toEqual(["after", "before"]);
  });

  test("control: D24 a server that does not look accepts messages that are lost", async () => {
    const alterations = plant("a file that was taken away is written on");
    await (await start()).stop();
    copyFileSync(at("tidings.db"), at("backup.db"));
    const server = await start({ alterations });
    renameSync(at("backup.db"), at("tidings.db"));
    expect(await post(server, "accepted")).toBe(201);
    await server.stop();
    expect(await texts(await start())).toEqual([]);
  });

  test("D24 D21 a backup that is copied over it: accepting stops, and nothing starts on the mixture", async () => {
    const first = await start();
    expect(await post(first, "old")).toBe(201);
    await first.stop();
    copyFileSync(at("tidings.db"), at("backup.db"));
    const server = await start();
    for (let i = 0; i < 3; i++) expect(await post(server, `new ${i} ${"x".repeat(16_000)}`)).toBe(201);
    // So long that SQLite has moved the log into the file meanwhile.
    for (let i = 0; i < 400; i++) await post(server, `new ${"x".repeat(16_000)}`);
    const status = await post(server, "last before");
    expect([201, 429]).toContain(status);
    copyFileSync(at("backup.db"), at("tidings.db"));
    await until(async () => (await post(server, "too late")) === 503);
    await until(() => server.output().includes("was written over by another program"));
    const backup = readFileSync(at("backup.db"));
    await server.stop();
    expect(readFileSync(at("tidings.db")).equals(backup)).toBe(true);
    await expect(start()).rejects.toThrow("does not belong to");
  });

  test("D24 its log is deleted: nothing that was accepted is lost", async () => {
    const server = await start();
    for (let i = 0; i < 5; i++) expect(await post(server, `before ${i}`)).toBe(201);
    rmSync(at("tidings.db-wal"));
    rmSync(at("tidings.db-shm"));
    // What the log held is moved into the file first, and then a new one is begun.
    expect(await post(server, "meanwhile")).toBe(503);
    await until(async () => (await post(server, "after")) === 201);
    await until(async () => (await readiness(server)) === "200 ready");
    expect(existsSync(at("tidings.db-wal"))).toBe(true);
    await server.kill9();
    expect(await texts(await start())).toHaveLength(6);
  });

  test("D24 E12 its lock is deleted: it takes it anew, or stops where another one was faster", async () => {
    const server = await start();
    rmSync(at("tidings.db.lock"));
    expect(await post(server, "one")).toBe(201);
    await expect(start()).rejects.toThrow("is in use");
    // It looks at its lock now and then by itself, and must not be faster.
    server.signal("SIGSTOP");
    rmSync(at("tidings.db.lock"));
    const other = await start();
    server.signal("SIGCONT");
    expect(await post(server, "two")).toBe(503);
    expect(await post(other, "three")).toBe(201);
    await server.stop();
    await other.kill9();
    expect(await texts(await start())).toEqual(["one", "three"]);
  });

  test("D24 the watch does not keep reads, or a long series of commits, from going on", async () => {
    const engine = open("chat.db");
    await engine.write([{ sql: "CREATE TABLE t (a)" }]);
    for (let i = 0; i < 40; i++) {
      const insert =
        "INSERT INTO t SELECT hex(randomblob(2000)) FROM (VALUES (1), (2), (3), (4), (5), (6), (7), (8), (9), (10))";
      for (let each = 0; each < 10; each++) await engine.write([{ sql: insert }]);
      expect(engine.fault?.()).toBeUndefined();
    }
    expect(await engine.read([{ sql: "SELECT count(*) AS count FROM t" }])).toEqual([[{ count: 4_000 }]]);
    expect(statSync(at("chat.db")).size).toBeGreaterThan(8_000_000);
  });
});

/** A process that has the file open by this library and by another one's SQLite, as an app's own server would. */
async function ownConnection(
  code: string,
  { library = "bun:sqlite", alterations = [] }: { library?: string; alterations?: readonly Alteration[] } = {},
): Promise<string> {
  const program = `import Database from ${JSON.stringify(library)};
    import { createEmbeddedEngine } from "./src/store/engine/embedded.ts";
    const file = ${JSON.stringify(at("chat.db"))};
    const insert = (engine, a) => engine.write([{ sql: "INSERT INTO t VALUES (?)", args: [a] }])
      .then(() => "accepted", (error) => error.message.includes("bun:sqlite") ? "refused" : error.message);
    const count = (engine) => engine.read([{ sql: "SELECT count(*) AS count FROM t" }]).then(([[{ count }]]) => count);
    ${code}`;
  const child = Bun.spawn([process.execPath, "--preload", "./test/support/alter-preload.ts", "-e", program], {
    cwd: root,
    env: { ...process.env, ALTERATIONS: JSON.stringify(alterations) },
    stdout: "pipe",
    stderr: "pipe",
  });
  const texts = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  return texts.join("");
}

const isLinux = process.platform === "linux";
const prepared = async (): Promise<void> => {
  const engine = createEmbeddedEngine({ path: at("chat.db") });
  await engine.write([{ sql: "CREATE TABLE t (a)" }]);
  await engine.close();
};

describeWhere(isLinux, "/proc", "an app's own connection in the same process", () => {
  test("D25 a file that the app has in use is refused at the start", async () => {
    await prepared();
    const said = await ownConnection(`
      const app = new Database(file);
      app.run("CREATE TABLE app (a)");
      try { createEmbeddedEngine({ path: file }); console.log("open"); } catch (error) { console.log(error.code, error.message); }`);
    expect(said).toStartWith("database_unfit Something else in this process has");
    expect(said).toContain("Give the chat a file of its own");
  });

  // Each commits over what the other has committed meanwhile.
  const transactionsWith = (before = ""): string => `
    const app = new Database(file);
    ${before}
    const engine = createEmbeddedEngine({ path: file });
    console.log(await insert(engine, 0));
    app.run("BEGIN IMMEDIATE");
    app.run("CREATE TABLE app (a)");
    let accepted = 1;
    for (let i = 1; i <= 5; i++) if ((await insert(engine, i)) === "accepted") accepted++;
    app.run("COMMIT");
    console.log(accepted, await count(engine).catch((error) => error.message));`;
  const transactions = transactionsWith();

  test("D25 what the app opened before and uses later: nothing is accepted meanwhile", async () => {
    await prepared();
    expect(await ownConnection(transactions)).toBe("accepted\n1 1\n");
  });

  test("D25 the same in a process with more descriptors than it lists", async () => {
    await prepared();
    const many = transactionsWith(`for (let i = 0; i < 600; i++) require("node:fs").openSync("/dev/null", "r");`);
    expect(await ownConnection(many)).toBe("accepted\n1 1\n");
  });

  test("control: D25 an engine that does not look accepts what the app's commit then overwrites", async () => {
    await prepared();
    const alterations = plant("an app's own connection is not noticed");
    const said = await ownConnection(transactions, { alterations });
    expect(said).toStartWith("accepted\n6 ");
    expect(said).not.toBe("accepted\n6 6\n");
  });

  test("D25 what the app opens while the engine runs is seen within a second of writes", async () => {
    await prepared();
    const said = await ownConnection(`
      const engine = createEmbeddedEngine({ path: file });
      console.log(await insert(engine, 0));
      const app = new Database(file);
      app.run("CREATE TABLE app (a)");
      await new Promise((resolve) => setTimeout(resolve, 1_001));
      console.log(await insert(engine, 1), engine.fault().code);
      // The other one takes the log with it as it closes.
      app.close();
      for (let answer = ""; answer !== "accepted"; ) {
        answer = await insert(engine, 2);
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
      console.log(await count(engine), engine.fault());
      process.kill(process.pid, "SIGKILL");`);
    expect(said).toBe("accepted\nrefused unavailable\n2 undefined\n");
    const engine = open("chat.db");
    expect(await engine.read([{ sql: "SELECT a FROM t ORDER BY a" }, { sql: "PRAGMA integrity_check" }])).toEqual([
      [{ a: 0 }, { a: 2 }],
      [{ integrity_check: "ok" }],
    ]);
  });

  test("D25 connections of this library's own SQLite, and engines that were closed before, are no others", async () => {
    await prepared();
    const said = await ownConnection(
      `const app = new Database(file);
      app.prepare("SELECT * FROM t").all();
      const first = createEmbeddedEngine({ path: file });
      console.log(await insert(first, 1));
      await first.close();
      const engine = createEmbeddedEngine({ path: file });
      console.log(await insert(engine, 2));
      app.exec("INSERT INTO t VALUES (3)");
      console.log(await insert(engine, 4), await count(engine), engine.fault());`,
      { library: "libsql" },
    );
    expect(said).toBe("accepted\naccepted\naccepted 4 undefined\n");
  });
});
