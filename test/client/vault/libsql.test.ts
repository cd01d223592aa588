import { afterAll, describe, expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { type Client, createClient } from "@libsql/client";
import { libsql, type SqlClient } from "../../../src/client/vault/libsql.ts";
import { temporaryFolder } from "../../support/server.ts";
import { arrival, message, row } from "./vault.contract.ts";
import { describeStorage } from "./run-contract.ts";

const folder = temporaryFolder();
const clients: Client[] = [];
const openClient = (url: string): Client => {
  const client = createClient({ url });
  clients.push(client);
  return client;
};
afterAll(() => {
  for (const client of clients) client.close();
  rmSync(folder, { recursive: true, force: true });
});

const file = openClient(`file:${join(folder, "bot.db")}`);
describeStorage("libsql() on a file", { kind: "durable", storage: () => libsql(file) });
const inMemory = openClient(":memory:");
describeStorage("libsql() in memory", { kind: "memory", storage: () => libsql(inMemory, { prefix: "bot_" }) });

const scope = { url: "https://app.example/chat", tenant: "t", user: "me" };

describe("libsql()", () => {
  test("J64 two clients on one file decide a write again where the other was faster", async () => {
    const url = `file:${join(folder, "two.db")}`;
    const [a, b] = [openClient(url), openClient(url)];
    // The second client writes between the read and the write of the first.
    let meanwhile: (() => Promise<unknown>) | null = null;
    const slow: SqlClient = {
      async batch(statements, mode) {
        const run = mode === "write" ? meanwhile : null;
        if (run !== null) meanwhile = null;
        await run?.();
        return await a.batch(statements, mode);
      },
    };
    const first = await libsql(slow).open(scope, () => "d1");
    const second = await libsql(b).open(scope, () => "d2");
    meanwhile = () =>
      second.write({ ...arrival(message("c1", 2)), cursor: { from: null, to: "k2", level: 1 } }, "strict");
    const written = await first.write(
      {
        ...arrival(message("c1", 1)),
        cursor: { from: null, to: "k1", level: 1 },
        outbox: [{ do: "add", row: row("1") }],
      },
      "strict",
    );
    expect(written.cursorMoved).toBe(false);
    expect(written.conversations.map(({ ranges }) => ranges)).toEqual([[[1, 2]]]);
    const { meta, conversations } = await second.boot(9);
    expect(meta).toMatchObject({ device: "d1", cursor: "k2" });
    expect(conversations).toEqual([...written.conversations]);
    meanwhile = () => libsql(b).destroy(scope);
    expect(await first.write(arrival(message("c1", 3)), "strict").catch((error: unknown) => error)).toMatchObject({
      fault: "lost",
    });
  });

  test("J67 a process that is killed while it writes leaves whole writes, and every write that it saw answered is kept", async () => {
    const path = join(folder, "killed.db");
    const child = Bun.spawn([process.execPath, join(import.meta.dir, "writer.ts"), path], {
      stdout: "pipe",
      stderr: "inherit",
    });
    let told = "";
    const decoder = new TextDecoder();
    for await (const chunk of child.stdout) {
      told += decoder.decode(chunk, { stream: true });
      if (told.includes("kept 40\n")) child.kill("SIGKILL");
    }
    await child.exited;
    const kept = told.split("\n").length - 1;
    const vault = await libsql(openClient(`file:${path}`)).open(scope, () => "another");
    const { meta, outbox, conversations } = await vault.boot(9);
    const last = outbox.length;
    expect(last).toBeGreaterThanOrEqual(kept);
    expect(meta).toMatchObject({ device: "d", cursor: `k${last}` });
    expect(conversations).toMatchObject([{ ranges: [[1, last]], counted: last }]);
    expect(await vault.messages({ conversation: "c1", first: 1, last: 1e9 })).toHaveLength(last);
  });

  test("J66 each statement finds its rows by an index, in their order", async () => {
    const client = openClient(":memory:");
    const statements = new Map<string, (string | number | null)[]>();
    const watching: SqlClient = {
      batch(all, mode) {
        for (const { sql, args } of all) statements.set(sql, args);
        return client.batch(all, mode);
      },
    };
    const vault = await libsql(watching).open(scope, () => "d1");
    statements.clear();
    await vault.write(
      {
        reset: true,
        ...arrival(message("c1", 1), message("c2", 1)),
        relations: [{ user: "amy", contact: true, blocked: false }],
        outbox: [
          { do: "add", row: row("1") },
          { do: "cancel", id: "2" },
        ],
        drafts: [
          ["d", "x"],
          ["e", null],
        ],
        wishes: [{ key: "w", kind: "block", user: "amy", is: true }],
        granted: [{ key: "v", kind: "block", user: "amy", is: true }],
        cursor: { from: null, to: "k", level: 1 },
      },
      "strict",
    );
    await vault.boot(1);
    await vault.conversations({ below: 5, limit: 1 });
    await vault.messages({ conversation: "c1", first: 1, last: 2 });
    await Promise.all([vault.conversation({ id: "c1" }), vault.conversation({ with: "bob-c1" })]);
    await Promise.all([vault.relations(), vault.boot(0), vault.draft("d"), vault.evict(1)]);
    expect(statements.size).toBeGreaterThan(20);
    for (const [sql, args] of statements) {
      const { rows } = await client.execute({ sql: `EXPLAIN QUERY PLAN ${sql}`, args });
      for (const { detail } of rows as { readonly detail?: string }[])
        expect({ sql, detail: (detail ?? "").replace(/^SCAN (json_each|k|CONSTANT ROW).*/, "") }).not.toEqual({
          sql,
          detail: expect.stringMatching(/SCAN|TEMP B-TREE/),
        });
    }
  });

  test("J69 a database that does not sync each commit is refused, and faults have their kind", async () => {
    const client = openClient(":memory:");
    await client.execute("PRAGMA synchronous = NORMAL");
    expect(
      await libsql(client)
        .open(scope, () => "d")
        .catch((error: unknown) => error),
    ).toMatchObject({ fault: "unavailable" });
    expect(() => libsql(client, { prefix: "x; DROP" })).toThrow("cannot begin the name of a table");
    await client.execute("PRAGMA synchronous = FULL");
    let code: string | null = null;
    let reconnects = 0;
    const failing: SqlClient = {
      batch: (all, mode) =>
        code === null ? client.batch(all, mode) : Promise.reject(Object.assign(new Error(code), { code })),
      reconnect: () => void (reconnects += 1),
    };
    const vault = await libsql(failing).open(scope, () => "d");
    for (const [given, fault] of [
      ["SQLITE_FULL", "full"],
      ["SQLITE_BUSY", "failed"],
      ["SQLITE_IOERR", "failed"],
    ] as const) {
      code = given;
      expect(await vault.write({}, "strict").catch((error: unknown) => error)).toMatchObject({ fault });
    }
    expect(reconnects).toBe(1);
    code = null;
    expect(await vault.write({ drafts: [["d", "x"]] }, "strict")).toMatchObject({ cursorMoved: false });
  });
});
