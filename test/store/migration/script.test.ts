import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { createEmbeddedEngine } from "../../../src/store/engine/embedded.ts";
import type { Statement } from "../../../src/store/engine/engine.ts";
import { startSqld } from "../../support/sqld.ts";
import { runScript, temporaryFolder, three, writeMigrations } from "./folder.ts";

const root = temporaryFolder();
let round = 0;
let dir = "";
let file = "";
let place: string[] = [];

beforeEach(() => {
  dir = join(root.path, `migrations-${round}`);
  file = join(root.path, `chat-${round++}.db`);
  place = ["--database", `file:${file}`, "--dir", dir];
  mkdirSync(dir);
  writeMigrations(dir, three);
});
afterAll(() => root.remove());

async function sql(...statements: Statement[]): Promise<unknown> {
  const engine = createEmbeddedEngine({ path: file });
  try {
    return (await engine.write(statements)).at(-1);
  } finally {
    await engine.close();
  }
}

/** A refusal: a message on stderr, no stack, nothing on stdout, and a non-zero exit. */
function expectRefusal(ran: { out: string; error: string; code: number }, text: string): void {
  expect(ran.error).toContain(text);
  expect(ran.error).not.toMatch(/\n\s+at |ChatError/);
  expect(ran.code).not.toBe(0);
}

describe("scripts/migrate.ts", () => {
  test("M1 up, status, version, goto and down", async () => {
    expect(await runScript(["up", "2", ...place])).toEqual({
      out: "up 000001_people\nup 000002_pets\n",
      error: "",
      code: 0,
    });
    expect((await runScript(["status", ...place])).out).toBe(
      "000001_people  applied\n000002_pets    applied\n000003_age     pending\n",
    );
    expect((await runScript(["up", ...place])).out).toBe("up 000003_age\n");
    expect((await runScript(["up", ...place])).out).toBe("nothing to do\n");
    expect((await runScript(["goto", "000001", ...place])).out).toBe("down 000003_age\ndown 000002_pets\n");
    expect((await runScript(["goto", "3", ...place])).out).toBe("up 000002_pets\nup 000003_age\n");
    expect((await runScript(["down", "1", ...place])).out).toBe("down 000003_age\n");
    expect((await runScript(["version", ...place])).out).toBe("2\n");
  });

  test("M14 down of everything needs --yes without a terminal", async () => {
    await runScript(["up", ...place]);
    expectRefusal(await runScript(["down", ...place]), "--yes");
    expectRefusal(await runScript(["goto", "0", ...place]), "--yes");
    expect((await runScript(["version", ...place])).out).toBe("3\n");
    expect((await runScript(["down", "--yes", ...place])).out).toBe(
      "down 000003_age\ndown 000002_pets\ndown 000001_people\n",
    );
    expect((await runScript(["version", ...place])).out).toBe("0\n");
    expect((await runScript(["down", "1", ...place])).out).toBe("nothing to do\n");
  });

  test("M43 down N that would leave nothing asks as down does", async () => {
    await runScript(["up", "2", ...place]);
    for (const n of ["2", "5"]) expectRefusal(await runScript(["down", n, ...place]), "--yes");
    expect((await runScript(["version", ...place])).out).toBe("2\n");
    expect((await runScript(["down", "1", ...place])).out).toBe("down 000002_pets\n");
    expectRefusal(await runScript(["down", "1", ...place]), "--yes");
    expect((await runScript(["down", "5", "--yes", ...place])).out).toBe("down 000001_people\n");
  });

  test("M44 of a file that is missing every command but up and goto says so, and makes nothing", async () => {
    for (const args of [["status"], ["version"], ["down", "--yes"], ["down", "1"], ["force", "1"], ["force", "0"]])
      expectRefusal(await runScript([...args, ...place]), `There is no database file ${file}`);
    const list = `${file}.txt`;
    writeFileSync(list, `file:${file}`);
    const all = await runScript(["status", "--all", list, "--dir", dir]);
    expect([all.code, all.error]).toEqual([
      1,
      `file:${file}: There is no database file ${file}: name yours with --database file:chat.db, or DATABASE_URL\n`,
    ]);
    expect(readdirSync(root.path).filter((name) => join(root.path, name).startsWith(file))).toEqual([
      `${basename(file)}.txt`,
    ]);
  });

  test("M45 force declares no version below a table that is there, and says which", async () => {
    await runScript(["up", ...place]);
    expectRefusal(await runScript(["force", "0", ...place]), "the table people of 000001_people is there");
    expectRefusal(await runScript(["force", "1", ...place]), "the table pets of 000002_pets is there");
    expect((await runScript(["version", ...place])).out).toBe("3\n");
    await sql({ sql: "DROP TABLE people" }, { sql: "DROP TABLE pets" });
    expect((await runScript(["force", "0", ...place])).out).toBe("at version 0\n");
    expect((await runScript(["up", ...place])).code).toBe(0);
  });

  test("M3 a migration that fails is refused with the database's own words", async () => {
    writeFileSync(join(dir, "000003_age.up.sql"), "CREATE TABLE extra (a);\nALTER TABLE nowhere ADD COLUMN age;");
    const ran = await runScript(["up", ...place]);
    expectRefusal(ran, "000003_age (up) failed, and nothing of it stays; the database is at version 2");
    expect(ran.error).toContain("no such table: nowhere");
    expect(ran.out).toBe("up 000001_people\nup 000002_pets\n");
    expect(await sql({ sql: "SELECT name FROM sqlite_master WHERE name = 'extra'" })).toEqual([]);
  });

  test("M5 dirty is refused, and force mends it", async () => {
    await runScript(["up", ...place]);
    await sql({ sql: "UPDATE tidings_schema_migrations SET dirty = 1" });
    expect((await runScript(["version", ...place])).out).toBe("3 (dirty)\n");
    for (const command of [["up"], ["down", "1"], ["goto", "1"], ["status"]]) {
      expectRefusal(await runScript([...command, ...place]), "dirty at version 3");
    }
    expect((await runScript(["force", "2", ...place])).out).toBe("at version 2\n");
    expect((await runScript(["version", ...place])).out).toBe("2\n");
    expectRefusal(await runScript(["force", "9", ...place]), "There is no migration 9");
  });

  test("M6 M7 M8 missing, edited and late migrations are refused by name", async () => {
    await runScript(["up", ...place]);
    writeFileSync(join(dir, "000001_people.up.sql"), "CREATE TABLE people (id);");
    expectRefusal(await runScript(["up", ...place]), "000001_people was edited");
    const status = await runScript(["status", ...place]);
    expect(status.out).toContain("000001_people  edited\n");
    expectRefusal(status, "000001_people was edited");
    writeMigrations(dir, three);
    rmSync(join(dir, "000002_pets.up.sql"));
    expectRefusal(await runScript(["up", ...place]), "000002_pets.up.sql is missing");
    rmSync(join(dir, "000002_pets.down.sql"));
    expectRefusal(await runScript(["down", "1", ...place]), "000002_pets was applied");
    rmSync(file);
    await runScript(["up", ...place]);
    writeMigrations(dir, three);
    expectRefusal(await runScript(["up", ...place]), "000002_pets comes before");
  });

  test("M15 create makes the next numbered pair, and no other", async () => {
    const ran = await runScript(["create", "Add users' table", "--dir", dir]);
    expect(ran.code).toBe(0);
    expect(
      readdirSync(dir)
        .filter((name) => name.startsWith("000004"))
        .sort(),
    ).toEqual(["000004_add_users_table.down.sql", "000004_add_users_table.up.sql"]);
    const fresh = join(dir, "a", "b");
    await runScript(["create", "first", "--dir", fresh]);
    expect(readdirSync(fresh).sort()).toEqual(["000001_first.down.sql", "000001_first.up.sql"]);
    expectRefusal(await runScript(["create", "--dir", dir, "..."]), "letters or digits");
    expect((await runScript(["up", ...place])).out).toEndWith("up 000004_add_users_table\n");
  });

  test("M16 a misspelt command or flag is refused, and touches no database", async () => {
    for (const [args, text] of [
      [["up", "--databse", `file:${file}`, "--dir", dir], "--databse"],
      [["--database", `file:${file}`, "up"], "The command comes first"],
      [[`--database=file:${file}`, "up"], "The command comes first"],
      [["up", "1", "2", ...place], "got 2"],
      [["up", "-1", ...place], "got -1"],
      [["up", "0", ...place], "got 0"],
      [["up", "1.5", ...place], "1.5"],
      [["goto", ...place], "V"],
      [["frobnicate", ...place], "frobnicate"],
      [[], "No command"],
    ] as const) {
      expectRefusal(await runScript(args), text);
    }
    expect(existsSync(file)).toBe(false);
    expectRefusal(
      await runScript(["up", "--database", "mysql://me:secret@host/db", "--dir", dir]),
      '"mysql://host/db"',
    );
    expectRefusal(
      await runScript(["up", "--database", `file:${file}`, "--dir", join(dir, "nowhere")]),
      "cannot be read",
    );
  });

  test("M16 the environment names the database where the flag does not", async () => {
    const ran = await runScript(["up", "1", "--dir", dir], { DATABASE_URL: `file:${file}` });
    expect(ran.out).toBe("up 000001_people\n");
    expect(existsSync(file)).toBe(true);
  });

  test("M17 a file that is in use is not migrated", async () => {
    const engine = createEmbeddedEngine({ path: file });
    expectRefusal(await runScript(["up", ...place]), `${file} is in use`);
    // To look does no harm.
    expect(await runScript(["version", ...place])).toEqual({ out: "0\n", error: "", code: 0 });
    expect((await runScript(["status", ...place])).out).toStartWith("000001_people  pending\n");
    await engine.close();
    expect((await runScript(["up", "1", ...place])).code).toBe(0);
  });

  test("M17 of several that migrate one file at once, each succeeds or reports that it is in use", async () => {
    const all = await Promise.all(Array.from({ length: 5 }, () => runScript(["up", ...place])));
    expect(all.some(({ code }) => code === 0)).toBe(true);
    for (const ran of all) if (ran.code !== 0) expectRefusal(ran, "is in use");
    expect(
      all
        .map(({ out }) => out)
        .join("")
        .match(/up 000001/g),
    ).toHaveLength(1);
    expect((await runScript(["version", ...place])).out).toBe("3\n");
  });
});

describe("scripts/migrate.ts --all", () => {
  let lists = 0;
  const list = (...lines: readonly string[]): string[] => {
    const name = `${file}.${lists++}.txt`;
    writeFileSync(name, lines.join("\n"));
    return ["--all", name, "--dir", dir];
  };
  const named = (name: string): string => `file:${file}.${name}.db`;

  test("M20 each is migrated in turn; a failure does not stop the others, and is reported, and so is the sum", async () => {
    const broken = createEmbeddedEngine({ path: `${file}.b.db` });
    await broken.write([{ sql: "CREATE TABLE people (other TEXT)" }]);
    await broken.close();
    const [a, b, c] = [named("a"), named("b"), named("c")];
    const args = list(
      "# our tenants",
      `${a}  `,
      "",
      `\t${b} # the old one`,
      "http://user:secret@127.0.0.1:9/?t=secret token-of-d",
      c,
    );
    const ran = await runScript(["up", ...args]);
    const steps = "  up 000001_people\n  up 000002_pets\n  up 000003_age\n";
    expect(ran.out).toBe(`${a}\n${steps}${b}\nhttp://127.0.0.1:9/\n${c}\n${steps}4 databases: 2 migrated, 2 failed\n`);
    expect(ran.error).toContain(`${b}: 000001_people (up) failed, and nothing of it stays`);
    expect(ran.error).toMatch(/^http:\/\/127\.0\.0\.1:9\/: /m);
    expect(ran.error + ran.out).not.toMatch(/secret|token-of-d|\n\s+at /);
    expect(ran.code).toBe(1);
    const status = await runScript(["status", ...list(a, b)]);
    expect([status.code, status.out]).toEqual([
      0,
      `${a}\n  000001_people  applied\n  000002_pets    applied\n  000003_age     applied\n` +
        `${b}\n  000001_people  pending\n  000002_pets    pending\n  000003_age     pending\n` +
        "2 databases: 1 up to date, 1 with pending migrations\n",
    ]);
    expect(await runScript(["up", ...list(a, c)])).toEqual({
      out: `${a}\n  nothing to do\n${c}\n  nothing to do\n2 databases: 2 with nothing to do\n`,
      error: "",
      code: 0,
    });
    expect((await runScript(["up", "1", ...list(named("d"))])).out).toBe(
      `${named("d")}\n  up 000001_people\n1 database: 1 migrated\n`,
    );
  });

  test("M20 one that is in use, or edited, fails and is reported; the others are migrated", async () => {
    const engine = createEmbeddedEngine({ path: `${file}.a.db` });
    await runScript(["up", ...list(named("b"))]);
    writeFileSync(join(dir, "000001_people.up.sql"), "CREATE TABLE people (id);");
    const ran = await runScript(["up", ...list(named("a"), named("b"), named("c"))]);
    await engine.close();
    expect(ran.error).toContain(`${file}.a.db is in use`);
    expect(ran.error).toContain(`${named("b")}: `);
    expect(ran.error).toContain("000001_people was edited");
    expect([ran.code, ran.out]).toEqual([1, expect.stringContaining("3 databases: 1 migrated, 2 failed\n")]);
  });

  test("M20 M16 a list that cannot be read, or names something else, touches no database", async () => {
    for (const [args, text] of [
      [["up", "--all", `${file}.nowhere`, "--dir", dir], "cannot be read"],
      [["up", ...list("# none")], "names no database"],
      [["up", ...list(named("a"), `${named("b")} token more`)], "Line 2 of"],
      [["up", ...list(named("a"), "token-first libsql://host")], "Line 2 of"],
      [["up", ...list(named("a")), "--database", named("b")], "leave --database"],
      [["up", ...list(named("a")), "--auth-token", "t"], "leave --database"],
      [["down", ...list(named("a"))], "--all"],
    ] as const)
      expectRefusal(await runScript(args), text);
    expect(existsSync(`${file}.a.db`)).toBe(false);
  });

  test("M20 X5 each has its own token, from the line or the environment, and no other's", async () => {
    const tokens: (string | null)[] = [];
    const server = Bun.serve({
      port: 0,
      fetch({ headers }) {
        tokens.push(headers.get("authorization"));
        return new Response("no", { status: 401 });
      },
    });
    const url = `http://127.0.0.1:${server.port}/`;
    const env = { DATABASE_AUTH_TOKEN: "of-another", ONE: "of-one" };
    const ran = await runScript(["status", ...list(`${url} $ONE`, `${url} of-two`, url, `${url} $UNSET`)], env);
    await server.stop(true);
    expect(new Set(tokens)).toEqual(new Set(["Bearer of-one", "Bearer of-two", null]));
    expect(ran.error).toContain("The variable UNSET is not set");
    expect(ran.error + ran.out).not.toMatch(/of-one|of-two|of-another/);
    expect(ran.out).toEndWith("4 databases: 4 failed\n");
  });
});

describe("scripts/migrate.ts on a server", () => {
  test("M18 does the same, also when several run at once", async () => {
    const server = await startSqld();
    const remote = ["--database", server.url, "--dir", dir];
    try {
      const all = await Promise.all(Array.from({ length: 4 }, () => runScript(["up", ...remote])));
      for (const ran of all) if (ran.code !== 0) expectRefusal(ran, "another process is migrating");
      expect(
        all
          .map(({ out }) => out)
          .join("")
          .match(/up 000002/g)?.length,
      ).toBeGreaterThan(0);
      expect((await runScript(["up", ...remote])).code).toBe(0);
      expect((await runScript(["status", ...remote])).out).toMatch(/^(\S+ +applied\n){3}$/);
      expect((await runScript(["down", "1", ...remote])).out).toBe("down 000003_age\n");
      expectRefusal(await runScript(["down", ...remote]), "--yes");
      expect((await runScript(["down", "--yes", ...remote])).out).toBe("down 000002_pets\ndown 000001_people\n");
      await server.kill("SIGKILL");
      expectRefusal(await runScript(["up", ...remote]), "did not complete");
    } finally {
      await server.stop();
    }
  });
});

describe("scripts/bundle-migrations.ts", () => {
  const script = join(import.meta.dir, "../../../scripts/bundle-migrations.ts");

  test("M13 the built-in migrations are those of the folder", () => {
    const { exitCode, stderr } = Bun.spawnSync([process.execPath, script, "--check"]);
    expect(stderr.toString()).toBe("");
    expect(exitCode).toBe(0);
  });
});
