import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { runCases, serverCases, withServerWorld } from "../../src/conform/index.ts";
import type { Result } from "../../src/conform/index.ts";
import { deadline } from "../support/deadline.ts";
import { type RunningServer, startServer } from "../support/server.ts";
import { startWrongServer, type Wrong } from "./wrong-server.ts";
import { secret, wrongServers } from "./wrong-servers.ts";

const parallel = 12;
/** A wrong server often sends nothing where an answer is due. */
const wrongAnswerMs = 1_500;

let server: RunningServer;
let url = "";
beforeAll(async () => {
  server = await startServer({ env: { AUTH: "jwt", JWT_SECRET: secret } });
  url = `http://127.0.0.1:${server.port}`;
}, deadline.processMs);
afterAll(() => server.dispose());

const identities = { type: "secret", secret } as const;
const failuresOf = (results: readonly Result[]): readonly string[] =>
  results.flatMap(({ id, outcome, detail }) => (outcome === "passed" ? [] : [`${id} ${outcome}: ${detail}`]));

/** Runs cases through a server that stands before the right one. */
const runWrong = (wrong: (id: string) => Wrong, cases = serverCases, answerMs: number = deadline.answerMs) =>
  runCases(cases, {
    parallel,
    async withWorld({ id }, use) {
      const before = await startWrongServer(url, wrong(id));
      try {
        await withServerWorld({ url: before.url, identities, answerMs }, use);
      } finally {
        before.close();
      }
    },
  });

describe("the cases of a server", () => {
  test("Y1 the server passes every case", async () => {
    const results = await runCases(serverCases, {
      parallel,
      withWorld: (_, use) => withServerWorld({ url, identities }, use),
    });
    expect(failuresOf(results)).toEqual([]);
    expect(results).toHaveLength(serverCases.length);
  });

  test("Y2 a server that is wrong about a case does not pass it", async () => {
    expect(Object.keys(wrongServers)).toEqual(serverCases.map(({ id }) => id));
    const results = await runWrong((id) => wrongServers[id]?.[1] ?? {}, serverCases, wrongAnswerMs);
    const missed = results
      .filter(({ outcome }) => outcome !== "failed")
      .map(({ id }) => `${id} ${wrongServers[id]?.[0]}`);
    expect(missed).toEqual([]);
  });

  test("Y2 what stands before those servers is not itself the fault", async () => {
    expect(failuresOf(await runWrong(() => ({})))).toEqual([]);
  });
});
