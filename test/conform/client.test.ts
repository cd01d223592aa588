import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import { conformCommand } from "../../src/cli/conform.ts";
import {
  type ClientCase,
  clientCases,
  type KitServer,
  runCases,
  startCommand,
  withClientWorld,
} from "../../src/conform/index.ts";
import type { Result, StartProgram } from "../../src/conform/index.ts";
import { signToken } from "../../src/conform/wire/token.ts";
import { commands } from "../proof/conform/proof.ts";
import { deadline } from "../support/deadline.ts";
import { describeWith } from "../support/prerequisite.ts";
import { type RunningServer, startServer } from "../support/server.ts";
import { until } from "../web/page-actions.ts";
import { type Mistake, smallClient } from "./small-client.ts";
import { wrongClients, wrongFrames } from "./wrong-clients.ts";
import { secret } from "./wrong-servers.ts";

const parallel = 40;
/** A wrong client often does nothing where something is due. */
const wrongSettleMs = 4_000;

const servers: RunningServer[] = [];
const start = async (): Promise<KitServer> => {
  const server = await startServer({ env: { AUTH: "jwt", JWT_SECRET: secret } });
  servers.push(server);
  return { url: `http://127.0.0.1:${server.port}`, secret };
};
let server: KitServer;
let second: KitServer;
beforeAll(async () => {
  [server, second] = await Promise.all([start(), start()]);
}, deadline.processMs);
afterAll(() => Promise.all(servers.map((one) => one.dispose())));

type Try = { readonly one: ClientCase; readonly client: StartProgram; readonly settleMs: number };

const tryClient = async ({ one, client, settleMs }: Try): Promise<Result | undefined> => {
  const options = { start: client, server, secondServer: async () => second, settleMs };
  const [result] = await runCases([one], { parallel: 1, withWorld: (_, use) => withClientWorld(options, use) });
  return result;
};

/** Runs all of them, so many at a time. */
async function tryAll(tries: readonly Try[]): Promise<readonly (Result | undefined)[]> {
  const results: (Result | undefined)[] = [];
  const waiting = tries.entries();
  const work = async (): Promise<void> => {
    for (const [at, one] of waiting) results[at] = await tryClient(one);
  };
  await Promise.all(Array.from({ length: parallel }, work));
  return results;
}

describe("the cases of a client", () => {
  test("Y1 a client of a few lines passes every case", async () => {
    const client = smallClient(null);
    const results = await tryAll(clientCases.map((one) => ({ one, client, settleMs: deadline.answerMs })));
    expect(results.flatMap((one) => (one?.outcome === "passed" ? [] : [one]))).toEqual([]);
    expect(results).toHaveLength(clientCases.length);
  });

  test("Y2 a client with a mistake does not pass the case that is about it", async () => {
    expect(Object.keys(wrongClients)).toEqual(clientCases.map(({ id }) => id));
    const wrong = clientCases.flatMap((one) =>
      (wrongClients[one.id] ?? []).map((mistake): [ClientCase, Mistake] => [one, mistake]),
    );
    const results = await tryAll(
      wrong.map(([one, mistake]) => ({ one, client: smallClient(mistake), settleMs: wrongSettleMs })),
    );
    const missed = results.flatMap((result, at) => (result?.outcome === "failed" ? [] : [[result, wrong[at]?.[1]]]));
    expect(missed).toEqual([]);
  });
});

describe("the frames of a client", () => {
  test("Y6 a client whose frames are not those of RFC 6455 passes no case, and is told why", async () => {
    const one = clientCases.find(({ id }) => id === "C-01");
    if (one === undefined) throw new Error("There is no case C-01");
    const results = await tryAll(
      wrongFrames.map(([mistake]) => ({ one, client: smallClient(mistake), settleMs: deadline.answerMs })),
    );
    expect(results.map((result) => [result?.outcome, result?.detail])).toEqual(
      wrongFrames.map(([, fault]) => ["failed", fault]),
    );
  });
});

/** In real processes: a part of them. `bun run prove conform` runs all. */
async function expectPasses(command: readonly string[], ids: readonly string[]): Promise<void> {
  const client = startCommand(command);
  const cases = clientCases.filter(({ id }) => ids.includes(id));
  const results = await tryAll(cases.map((one) => ({ one, client, settleMs: deadline.answerMs })));
  expect(results.map((one) => [one?.id, one?.outcome, one?.detail])).toEqual(
    ids.map((id) => [id, "passed", undefined]),
  );
}

describeWith("python3", "a client in Python", () => {
  test("Y4 it passes the cases about crashes, pages, frames in pieces and a restored server", () =>
    expectPasses(commands["client.py"] ?? [], ["C-04", "C-15", "C-19", "C-32", "C-39"]));
});

describe("the command", () => {
  const cli = join(import.meta.dir, "../../src/cli.ts");
  const folder = mkdtempSync(join(tmpdir(), "tidings-conform-test-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** Runs the command as a user does. */
  async function conform(...args: readonly string[]): Promise<{ readonly code: number; readonly output: string }> {
    const child = Bun.spawn([process.execPath, cli, "conform", ...args], {
      cwd: folder,
      stdout: "pipe",
      stderr: "pipe",
    });
    const [output, errors] = await Promise.all([child.stdout.text(), child.stderr.text()]);
    return { code: await child.exited, output: output + errors };
  }

  test("Y1 the client of the package passes the cases about crashes, another user and a restored server", () =>
    expectPasses(commands["tidings chat"] ?? [], ["C-05", "C-38", "C-39"]));

  test("Y5 a client that ends at once fails the case that is asked for, and the command ends with 1", async () => {
    const { code, output } = await conform("client", "--json", "--only", "c-04", "--", "sh", "-c", "exit 3");
    const report = JSON.parse(output) as { readonly failed: number; readonly results: readonly Result[] };
    expect(report).toMatchObject({ failed: 1, results: [{ id: "C-04", outcome: "failed" }] });
    expect(report.results[0]?.detail).toContain("the client ended while it was to reach");
    expect(code).toBe(1);
  });

  test("Y5 a server is tried as a file says, with a line for each case, also one that is skipped", async () => {
    const sign = (user: string): object => {
      const token = signToken(secret, { user, seconds: 600 });
      return { user, headers: { authorization: `Bearer ${token}` } };
    };
    writeFileSync(join(folder, "secret.json"), JSON.stringify({ secret }));
    writeFileSync(join(folder, "users.json"), JSON.stringify({ users: ["a", "b", "c"].map(sign) }));
    const run = (file: string) => conform("server", server.url, "--identities", file, "--only", "S-11,S-24");
    const [signed, given] = await Promise.all([run("secret.json"), run("users.json")]);
    expect(signed.output).toContain("ok    S-24  a user's first device starts at the beginning");
    expect(signed).toMatchObject({ code: 0, output: expect.stringContaining("2 passed, 0 failed, 0 skipped") });
    expect(given.output).toContain("it needs users who are new to the server");
    expect(given).toMatchObject({ code: 0, output: expect.stringContaining("1 passed, 0 failed, 1 skipped") });
  });

  for (const name of ["SIGINT", "SIGTERM"] as const)
    test(`Y8 the kit that gets ${name} ends its servers and its clients, and removes their folders`, async () => {
      const temporary = mkdtempSync(join(folder, "interrupted-"));
      const marks = join(temporary, "marks");
      mkdirSync(marks);
      // Each start says its process, and that of a child of its own.
      const client = `sleep 600 & echo $! > ${marks}/$!; echo $$ > ${marks}/$$; wait`;
      const args = ["conform", "client", "--only", "C-01,C-02", "--", "sh", "-c", client];
      const kit = Bun.spawn([process.execPath, cli, ...args], {
        ...{ cwd: folder, env: { ...process.env, TMPDIR: temporary }, stdout: "pipe", stderr: "pipe" },
      });
      try {
        await until(async () => readdirSync(marks).length, 4);
        const children = runningNow().filter(({ parent }) => parent === kit.pid);
        const started = new Set([...readdirSync(marks).map(Number), ...children.map(({ pid }) => pid)]);
        const left = async () => runningNow().filter(({ pid }) => started.has(pid)).length;
        // The server, and each client with its own child.
        expect([started.size, await left()]).toEqual([5, 5]);
        expect(readdirSync(temporary)).toHaveLength(4);
        kit.kill(name);
        expect(await kit.exited).toBe(128 + constants.signals[name]);
        await until(left, 0);
        expect(readdirSync(temporary)).toEqual(["marks"]);
        expect(await kit.stdout.text()).toBe("");
      } finally {
        kit.kill("SIGKILL");
      }
    });

  test("Y5 a case that does not exist, a file without users and a missing command are refused", async () => {
    for (const [name, args, text] of [
      ["client", ["--only", "C-99", "--", "true"], "--only names a case that does not exist, got C-99"],
      ["client", [], "COMMAND is missing"],
      ["client", ["--parallel", "0", "--", "true"], "--parallel is a number from 1 to 99, got 0"],
      ["server", ["http://127.0.0.1:1", "--identities", "none.json"], "none.json cannot be read as JSON"],
      ["server", ["nonsense"], "URL is no URL"],
      ["server", ["http://127.0.0.1:1"], "Nothing answers at http://127.0.0.1:1"],
    ] as const) {
      const one = conformCommand.commands[name];
      if (one?.type !== "action") throw new Error(`There is no command ${name}`);
      await expect(one.run(args)).rejects.toMatchObject({
        code: "config_invalid",
        message: expect.stringContaining(text),
      });
    }
  });
});

type Running = { readonly pid: number; readonly parent: number };

/** All processes, without those that have ended and that nobody has asked for yet. */
function runningNow(): readonly Running[] {
  const { stdout } = Bun.spawnSync(["ps", "-A", "-o", "pid=,ppid=,stat="]);
  const rows = stdout
    .toString()
    .split("\n")
    .map((line) => line.trim().split(/\s+/));
  return rows
    .filter(([, , state = "Z"]) => !state.startsWith("Z"))
    .map(([pid, parent]) => ({ pid: Number(pid), parent: Number(parent) }));
}
