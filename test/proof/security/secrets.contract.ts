import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { type RunningServer, startServer, temporaryFolder } from "../../support/server.ts";
import { type Sqld, startSqld } from "../../support/sqld.ts";
import { startBreakableDatabase } from "./breakable-database.ts";
import { canariesIn, canary, canaryDay, canarySecrets } from "./canary-day.ts";
import { canaryProviders } from "./canary-push.ts";
import { linesThatAreNoEvent } from "./log-lines.ts";
import { startWeakServer } from "./target.ts";

const root = join(import.meta.dir, "../../..");

/** A server's answers and log on a day with secrets in every place. */
export function describeSecrets(): void {
  describe("a server's answers and log", () => {
    const folder = temporaryFolder();
    let sqld: Sqld;
    async function startMigrated(): Promise<Sqld> {
      const started = await startSqld();
      const migrate = Bun.spawn([process.execPath, join(root, "scripts/migrate.ts"), "up", "--database", started.url], {
        cwd: folder,
        stdio: ["ignore", "ignore", "ignore"],
      });
      expect(await migrate.exited).toBe(0);
      return started;
    }
    beforeAll(async () => {
      sqld = await startMigrated();
    });
    afterAll(async () => {
      await sqld.stop();
      rmSync(folder, { recursive: true, force: true });
    });

    /** A whole day; returns which secrets leaked where, and which lines are no events. */
    async function liveThrough(start: typeof startServer) {
      const { secrets, env } = canarySecrets();
      // A database of its own: a server with a broken store could not hand its push lease over to the next one.
      const own = await startMigrated();
      const database = startBreakableDatabase(own);
      const push = await canaryProviders();
      const server: RunningServer = await start({
        env: { ...env, ...push.env, DATABASE_URL: database.url, DATABASE_AUTH_TOKEN: secrets.database },
      });
      try {
        const day = await canaryDay(server, { jwtSecret: secrets.jwt, push, breakStore: () => database.break() });
        const canaries = [...day.canaries, secrets.database];
        expect(canaries.length).toBeGreaterThan(50);
        const output = server.output();
        // A day without output would show nothing.
        expect(output).toContain('"the store failed"');
        expect(output).toContain('"A token was refused"');
        expect(day.answers.length).toBeGreaterThan(30);
        expect(["token", "v1", "notifications", "hook"].filter((part) => push.parrot.count(part) === 0)).toEqual([]);
        const [good = [], bad = []] = day.registered;
        expect(good.filter((status) => status !== 204)).toEqual([]);
        return {
          bad: bad.filter((status) => status !== 400),
          output: canariesIn(output, canaries),
          answers: canariesIn(day.answers.join("\n"), canaries),
          commandLine: canariesIn(day.commandLine, canaries),
          noEvents: linesThatAreNoEvent(output),
        };
      } finally {
        await server.dispose();
        await push.parrot.stop();
        await database.stop();
        await own.stop();
      }
    }

    test("control: X5 X6 a server that logs requests and frames as they came is seen", async () => {
      const { output, noEvents } = await liveThrough(startWeakServer);
      for (const where of ["query", "message", "cookie", "frame", "header", "pushtoken", "endpoint", "hookpath"])
        expect(output.filter((one) => one.startsWith(`canary${where}`))).not.toEqual([]);
      expect(noEvents.length).toBeGreaterThan(20);
    });

    test("X5 X6 a day at level trace shows no secret and no message, and each line is one event", async () => {
      const found = await liveThrough(startServer);
      expect(found).toEqual({ bad: [], output: [], answers: [], commandLine: [], noEvents: [] });
    });

    test("X5 the start line shows no password of the database's address", async () => {
      const word = canary("password");
      const output = await startOutput({ DATABASE_URL: sqld.url.replace("://", `://user:${word}@`) });
      expect(output).toContain("Tidings is serving");
      expect(canariesIn(output, [word])).toEqual([]);
    });

    test("X5 a server that cannot start says why, without its secrets", async () => {
      const jwt = canary("jwtsecret").padEnd(64, "0");
      const word = canary("password");
      const good = { AUTH: "jwt", JWT_SECRET: jwt, LOG_LEVEL: "trace" };
      const remote = { ...good, DATABASE_AUTH_TOKEN: word };
      const environments: Readonly<Record<string, Readonly<Record<string, string>>>> = {
        HOST: { ...good, HOST: `user:${word}@host` },
        JWT_SECRET: { AUTH: "jwt", JWT_SECRET: word.slice(0, 31) },
        JWKS_URL: { ...good, JWKS_URL: `https://user:${word}@id.example/?key=${word}` },
        ORIGINS: { ...good, ORIGINS: `https://user:${word}@app.example,https://app.example/?key=${word}` },
        DATABASE_URL: { ...good, DATABASE_URL: `postgres://user:${word}@host/?password=${word}` },
        "database file": { ...good, DATABASE_URL: `file://user:${word}@host/chat.db?password=${word}` },
        "libSQL server": { ...remote, DATABASE_URL: `libsql://user:${word}@127.0.0.1:1?nonsense=${word}` },
        unavailable: { ...remote, DATABASE_URL: `http://user:${word}@127.0.0.1:1` },
      };
      const outputs = await Promise.all(Object.values(environments).map(startOutput));
      for (const [at, name] of Object.keys(environments).entries()) {
        const output = outputs[at] ?? "";
        expect({ name, canaries: canariesIn(output, [jwt, word, word.slice(0, 31)]) }).toEqual({ name, canaries: [] });
        if (name !== "unavailable") expect(output).toContain(name);
      }
    });
  });
}

/** The output of a server's start, successful or not. */
async function startOutput(env: Readonly<Record<string, string>>): Promise<string> {
  const folder = temporaryFolder();
  try {
    // The output of one try is enough.
    const server = await startServer({ dir: folder, env: { ...env, START_MS: "0" } });
    await server.stop();
    return server.output();
  } catch (error) {
    return String(error);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
