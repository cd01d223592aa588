import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type RunningServer, startServer } from "../support/server.ts";
import { newId } from "../support/store.ts";
import { document, operations, type Parameter, validatorAt } from "./described.ts";

let server: RunningServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.dispose());

const ask = async (method: string, address: string, body?: unknown) => {
  const headers = { "content-type": "application/json" };
  const url = `http://127.0.0.1:${server.port}${address}${address.includes("?") ? "&" : "?"}user=alice`;
  const response = await fetch(url, { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) });
  const { code = "none" } = response.status < 300 ? {} : ((await response.json()) as { code?: string });
  return code;
};

const [id, other] = [newId(), newId()];
/** Values at which one parameter or another comes to its end; each parameter is asked with all of them. */
const texts = [
  ...["0", "1", "2", "50", "200", "201", "00", "01", "-1", "1.5", "1e2", " 1", "9007199254740990", "9007199254740991"],
  ...["9007199254740992", "99999999999999999", "true", "false", "bob", "+249912345678", "zoë", "b b", "", "\0", "%"],
  ...["b".repeat(128), "b".repeat(129), "c".repeat(64), "c".repeat(65), "😀".repeat(64), "😀".repeat(65), "zzzzzzzzzz"],
  ...["zzzzzzzzzzz", "Z", id, id.toUpperCase(), `${id},${other}`, `${id},`, `,${id}`, `${id}, ${other}`],
  ...[100, 101].map((count) => Array.from({ length: count }, () => id).join(",")),
];

/** As OpenAPI reads a parameter: where the schema wants a number, a text that is one as JSON writes it. */
function fits(path: string, method: string, at: number, { schema }: Parameter, text: string): boolean {
  const check = validatorAt("paths", path, method.toLowerCase(), "parameters", String(at), "schema");
  if (schema["type"] !== "integer") return check(text) === true;
  return /^-?(0|[1-9][0-9]*)$/.test(text) && check(Number(text)) === true;
}

/** What else an address must have for one parameter to be looked at alone. */
const companyOf: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "/messages": { before: "with=bob&", after: "with=bob&", around: "with=bob&" },
  // Without news it answers when its time is over: none may wait. A cursor that it cannot honour is answered at once.
  "/changes": {
    device: "wait=0&",
    cursor: "device=phone&",
    level: "device=phone&wait=0&",
    wait: `device=phone&cursor=${"A".repeat(22)}&`,
    watch: "device=phone&wait=0&",
  },
  "/groups/{id}/readers": { limit: "seq=1&", after: "seq=1&" },
  "/push/explain": { for: `message=${id}&` },
};

/** An address with values for the parameters in its path. */
const filled = (path: string): string =>
  path.replace("{user}", "bob").replace("{device}", "phone").replace("{id}", "c7");

describe("parameters and bodies", () => {
  for (const { method, path, operation } of operations) {
    // The upgrade's own are tried where upgrades are; a `next` is opaque, here and as `after`.
    const parameters = path === "/ws" ? [] : (operation.parameters ?? []);
    for (const [at, parameter] of parameters.entries()) {
      if (parameter.in === "path" || parameter.name === "next") continue;
      if (path === "/conversations" && parameter.name === "after") continue;
      test(`Q16 ${method} ${path} takes of ${parameter.name} what its schema takes`, async () => {
        const beside = companyOf[path]?.[parameter.name] ?? "";
        const answers = { taken: 0, refused: 0 };
        for (const text of texts) {
          const code = await ask(method, `${filled(path)}?${beside}${parameter.name}=${encodeURIComponent(text)}`);
          const isTaken = code !== "bad_request";
          answers[isTaken ? "taken" : "refused"]++;
          expect([text, fits(path, method, at, parameter, text)]).toEqual([text, isTaken]);
        }
        expect(Math.min(answers.taken, answers.refused)).toBeGreaterThan(0);
      });
    }
    // A route with parameters refuses those that it does not know.
    if (method === "GET" && path !== "/ws")
      test(`Q16 ${method} ${path} reads parameters exactly where some are described`, async () => {
        const code = await ask(method, `${filled(path)}?undescribed=1`);
        expect(code === "bad_request").toBe(parameters.some((parameter) => parameter.in === "query"));
      });
  }

  test("Q16 a user in the path is as its schema says", async () => {
    const check = validatorAt("paths", "/contacts/{user}", "get", "parameters", "0", "schema");
    for (const text of ["bob", "b".repeat(128), "b".repeat(129), "zoë", "b b", "+249"]) {
      const isTaken = (await ask("GET", `/contacts/${encodeURIComponent(text)}`)) !== "bad_request";
      expect([text, check(text)]).toEqual([text, isTaken]);
    }
  });

  test("Q16 a body is read exactly where one is described, and must fit", async () => {
    const values = [
      "bob",
      "zoë",
      id,
      "x",
      "c7",
      "😀".repeat(65),
      "abcdefgh.1",
      "default",
      "",
      0,
      1,
      -1,
      1.5,
      ["bob"],
      [],
    ];
    const names = ["id", "to", "conversation", "text", "device", "cursor", "seq", "users", "undescribed"];
    const fields = fc.record(Object.fromEntries(names.map((name) => [name, fc.constantFrom(...values)])), {
      requiredKeys: [],
    });
    const right: Record<string, unknown>[] = [
      { id, to: "bob", text: "hi" },
      { id, name: "Lunch" },
      { name: "Lunch" },
      { role: "admin" },
      { id: other, conversation: "c7", text: "hi" },
      { cursor: "abcdefgh.1" },
      { device: "phone", cursor: "abcdefgh.1" },
      { seq: 1 },
      { users: ["bob"] },
      { notify: true },
      { until: 1 },
      { from: "22:00", to: "07:00", timeZone: "Africa/Khartoum" },
      {},
    ];
    const bodies: Record<string, unknown>[] = [...right, ...fc.sample(fields, { numRuns: 60, seed: 7 })];
    for (const body of right)
      for (const name of Object.keys(body)) bodies.push({ ...body, [name]: "zoë" }, { ...body, undescribed: 1 });
    for (const { method, path, operation } of operations.filter(({ operation }) => operation.requestBody)) {
      const place = ["paths", path, method.toLowerCase(), "requestBody", "content", "application/json", "schema"];
      const check = validatorAt(...place);
      const answers = { taken: 0, refused: 0 };
      for (const body of bodies) {
        const code = await ask(method, filled(path), body);
        // Whether there is such a conversation, and whether one may, is asked after that. A cursor is opaque: which one is good no schema says.
        const isTaken = !["bad_request", "invalid_recipient"].includes(code);
        if (path === "/ack" && "cursor" in body && body.cursor !== "abcdefgh.1") continue;
        answers[isTaken ? "taken" : "refused"]++;
        expect([operation.operationId, body, check(body)]).toEqual([operation.operationId, body, isTaken]);
      }
      expect([path, Math.min(answers.taken, answers.refused) > 0]).toEqual([path, true]);
    }
    // A route that reads an undescribed body would refuse this one.
    for (const { method, path } of operations.filter(({ operation }) => !operation.requestBody))
      if (method !== "GET")
        expect([path, await ask(method, filled(path), { undescribed: 1 })]).toEqual([
          path,
          // It looks at the path alone.
          path.includes("{invite}") ? "bad_request" : /\{(id|token)\}/.test(path) ? "not_found" : "none",
        ]);
  });

  test("Q16 selectors that exclude each other, or need another, say so", async () => {
    const of = (name: string): string =>
      (document.paths["/messages"]?.["get"]?.parameters ?? [])
        .filter((parameter) => parameter.name === name)
        .map((parameter) => String((parameter as { description?: string }).description))
        .join();
    for (const [query, name, words] of [
      ["with=bob&conversation=c1", "with", "excludes conversation"],
      ["with=bob&before=1&after=1", "before", "exclude each other"],
      [`with=bob&around=1&ids=${id}`, "ids", "excludes before, after and around"],
      ["before=1", "before", "Needs with or conversation"],
      ["since=2&until=1", "until", "not before since"],
    ] as const) {
      expect([query, await ask("GET", `/messages?${query}`)]).toEqual([query, "bad_request"]);
      expect(of(name)).toContain(words);
    }
  });
});
