import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { runCases, serverCases, withServerWorld } from "../../src/conform/index.ts";
import type { Result } from "../../src/conform/index.ts";
import { guardedRoutes } from "../../src/conform/server/routes.ts";
import { deadline } from "../support/deadline.ts";
import { type RunningServer, startServer } from "../support/server.ts";
import { startWrongServer, type Wrong } from "./wrong-server.ts";
import { letsAnyoneInBy, secret, wrongServers } from "./wrong-servers.ts";

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

  test("Y2 a server that lets strangers in by one route alone does not pass S-51, whichever route that is", async () => {
    const one = serverCases.filter(({ id }) => id === "S-51");
    const routes = guardedRoutes({ conversation: "no-such-conversation", user: "kit-bob" });
    const open = async ({ method, path }: (typeof routes)[number]) => {
      const pattern = new RegExp(`^${path.replace("no-such-conversation", "[^/]+").replace("kit-bob", "[^/]+")}$`);
      const [result] = await runWrong(() => letsAnyoneInBy(method, pattern), one);
      return [method, path, result?.outcome];
    };
    const results: unknown[] = [];
    for (const route of routes) results.push(await open(route));
    expect(results).toEqual(routes.map(({ method, path }) => [method, path, "failed"]));
  });

  test("Y3 S-51 asks every route of the API that wants credentials", () => {
    const { paths } = JSON.parse(readFileSync(join(import.meta.dir, "../../docs/openapi.json"), "utf8")) as {
      readonly paths: Record<string, Record<string, { readonly security?: readonly unknown[] }>>;
    };
    const described = Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods)
        .filter(
          ([method, { security }]) =>
            ["get", "post", "put", "patch", "delete"].includes(method) && security?.length !== 0 && path !== "/ws",
        )
        .map(([method]) => `${method.toUpperCase()} ${path}`),
    );
    const asked = guardedRoutes({ conversation: "{id}", user: "{user}" }).map(
      ({ method, path }) =>
        `${method} ${path
          .replace("/devices/d", "/devices/{device}")
          .replace(/\/invites\/[0-9a-f-]{36}$/, "/invites/{invite}")
          .replace(/\/invites\/x+\//, "/invites/{token}/")}`,
    );
    expect(asked.toSorted()).toEqual(described.toSorted());
  });
});
