import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Validator } from "@seriousme/openapi-schema-validator";
import Ajv2020, { type ValidateFunction } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import fc from "fast-check";
import * as v from "valibot";
import { errorCodes } from "../../src/error.ts";
import { routes } from "../../src/http/api.ts";
import { clientFrames, decodeFrame } from "../../src/protocol/decode.ts";
import type { ClientFrame, ServerFrame } from "../../src/protocol/frame.ts";
import { defaultLimits } from "../../src/protocol/limits.ts";
import { serverFrames } from "../../src/protocol/server-schema.ts";
import { endClients, join as joinAs } from "../support/client.ts";
import { type RunningServer, startServer } from "../support/server.ts";
import { newId } from "../support/store.ts";

type Schema = Readonly<Record<string, unknown>>;
type Content = { readonly content?: Readonly<Record<string, { readonly schema: Schema }>> };
type Operation = { readonly responses: Readonly<Record<string, Content>>; readonly requestBody?: Content };
type Document = { readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>> };

const root = join(import.meta.dir, "../..");
const read = <Kind>(name: string): Kind => JSON.parse(readFileSync(join(root, name), "utf8")) as Kind;
const document = read<Document & object>("docs/openapi.json");
const frames = read<{ $id: string } & object>("docs/frames.schema.json");
const ajv = new Ajv2020({ strict: false, allErrors: true });
(addFormats as unknown as (ajv: Ajv2020) => void)(ajv);
ajv.addSchema({ ...document, $id: "urn:tidings:openapi" });
ajv.addSchema(frames);
const validatorOf = (pointer: string): ValidateFunction => {
  const found = ajv.getSchema(pointer);
  if (!found) throw new Error(`There is no schema at ${pointer}`);
  return found;
};
const escaped = (part: string): string => encodeURIComponent(part.replaceAll("~", "~0").replaceAll("/", "~1"));

/** What is wrong with an answer, by the document; an empty list: nothing. */
function faultsOf(path: string, method: string, answer: { status: number; type: string; body: unknown }): unknown[] {
  const response = document.paths[path]?.[method.toLowerCase()]?.responses[String(answer.status)];
  if (!response) return [`${method} ${path} may not answer ${answer.status}`];
  if (!response.content) return answer.body === null ? [] : [`${method} ${path} has no body at ${answer.status}`];
  if (!response.content[answer.type]) return [`${method} ${path} may not answer ${answer.status} as ${answer.type}`];
  const where = ["paths", path, method.toLowerCase(), "responses", String(answer.status), "content", answer.type];
  const check = validatorOf(`urn:tidings:openapi#/${where.map(escaped).join("/")}/schema`);
  return check(answer.body) ? [] : (check.errors ?? []);
}

let server: RunningServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(async () => {
  endClients();
  await server.dispose();
});

const tried = new Set<string>();
async function ask(
  user: string,
  method: string,
  path: string,
  options: { as?: string; body?: unknown; headers?: object } = {},
) {
  const { as: template = path.replace(/\?.*/, ""), body, headers } = options;
  const response = await fetch(`http://127.0.0.1:${server.port}${path}${path.includes("?") ? "&" : "?"}user=${user}`, {
    method,
    headers: { "content-type": "application/json", ...headers },
    ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  const type = (response.headers.get("content-type") ?? "").split(";", 1)[0] ?? "";
  const answer = { status: response.status, type, body: text === "" ? null : (JSON.parse(text) as unknown) };
  tried.add(`${method} ${template} ${answer.status}`);
  expect([`${method} ${path} ${answer.status}`, faultsOf(template, method, answer)]).toEqual([
    `${method} ${path} ${answer.status}`,
    [],
  ]);
  return answer;
}

describe("openapi.json", () => {
  test("Q16 is OpenAPI 3.1, and is what the standalone server serves", async () => {
    const { valid, errors } = await new Validator().validate(structuredClone(document));
    expect(errors ?? []).toEqual([]);
    expect(valid).toBe(true);
    const served = await fetch(`http://127.0.0.1:${server.port}/openapi.json`);
    expect([served.status, served.headers.get("content-type")]).toEqual([200, "application/json"]);
    expect(await served.json()).toEqual(document);
  });

  test("Q16 has every route and method that there is, and no other", () => {
    const inCode = Object.entries(routes).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method} ${path.replace(/:id/, "{}")}`),
    );
    const told = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path.replace(/\{\w+\}/, "{}")}`),
    );
    expect(told.toSorted()).toEqual([...inCode, "GET /ws"].toSorted());
  });

  test("Q16 every answer of a real server is as it says, refusals too", async () => {
    const [alice, bob] = ["alice", "bob"];
    const id = newId();
    const message = { id, to: bob, text: "hi" };
    expect((await ask(alice, "POST", "/messages", { body: message })).status).toBe(201);
    expect((await ask(alice, "POST", "/messages", { body: message })).status).toBe(200);
    expect((await ask(alice, "POST", "/messages", { body: { ...message, text: "other" } })).status).toBe(409);
    expect((await ask(alice, "POST", "/messages", { body: { id: newId(), to: alice, text: "hi" } })).status).toBe(400);
    expect(
      (await ask(alice, "POST", "/messages", { body: { id: newId(), to: bob, text: "x".repeat(20_000) } })).status,
    ).toBe(413);
    const { body } = await ask(bob, "GET", "/messages?device=phone");
    const { messages, cursor } = body as { messages: { conversation: string }[]; cursor: string };
    const conversation = messages[0]?.conversation ?? "";
    for (const query of ["with=alice", `conversation=${conversation}&before=9`, `ids=${id}`, "from=alice&limit=1"])
      expect((await ask(bob, "GET", `/messages?${query}`)).status).toBe(200);
    expect((await ask(bob, "GET", "/messages?limit=0")).status).toBe(400);
    expect((await ask(bob, "GET", "/messages?conversation=c1")).status).toBe(404);
    expect((await ask(bob, "POST", "/ack", { body: { device: "phone", cursor } })).status).toBe(204);
    expect((await ask(bob, "POST", "/ack", { body: { cursor: "x" } })).status).toBe(400);
    const conversations = await ask(bob, "GET", "/conversations?limit=1");
    expect(conversations.body).toMatchObject({ conversations: [{ unread: 1 }] });
    expect((await ask(bob, "GET", "/conversations?after=%00")).status).toBe(400);
    const read = { as: "/conversations/{id}/read" };
    expect((await ask(bob, "POST", `/conversations/${conversation}/read`, { ...read, body: { seq: 1 } })).status).toBe(
      204,
    );
    expect((await ask(bob, "POST", "/conversations/c1/read", { ...read, body: { seq: 1 } })).status).toBe(404);
    expect((await ask(bob, "POST", "/conversations/c1/read", { ...read, body: { seq: -1 } })).status).toBe(400);
    const one = { as: "/contacts/{user}" };
    expect((await ask(alice, "PUT", "/contacts/bob", one)).status).toBe(204);
    expect((await ask(alice, "GET", "/contacts/bob", one)).status).toBe(200);
    expect((await ask(alice, "GET", "/contacts/carol", one)).status).toBe(404);
    expect((await ask(alice, "PUT", "/contacts/alice", one)).status).toBe(400);
    expect((await ask(alice, "POST", "/contacts", { body: { users: ["carol", "dan"] } })).status).toBe(204);
    expect((await ask(alice, "POST", "/contacts", { body: { users: [] } })).status).toBe(400);
    expect((await ask(alice, "GET", "/contacts?limit=1")).body).toEqual({ contacts: [{ user: "bob" }], next: "bob" });
    expect((await ask(alice, "DELETE", "/contacts/bob", one)).status).toBe(204);
    const block = { as: "/blocks/{user}" };
    expect((await ask(bob, "PUT", "/blocks/alice", block)).status).toBe(204);
    expect((await ask(bob, "GET", "/blocks")).body).toEqual({ blocks: [{ user: "alice" }] });
    expect((await ask(alice, "POST", "/messages", { body: { ...message, id: newId() } })).status).toBe(403);
    expect((await ask(bob, "GET", "/conversations")).status).toBe(200);
    expect((await ask(bob, "DELETE", "/blocks/alice", block)).status).toBe(204);
    expect((await ask(alice, "POST", "/tickets")).status).toBe(201);
    expect((await ask(alice, "POST", "/tickets", { body: { x: 1 } })).status).toBe(400);
    for (const [path, methods] of Object.entries(document.paths))
      for (const method of Object.keys(methods)) {
        const address = path.replace(/\{\w+\}/, "bob");
        const options = { as: path, ...(method === "post" && { body: "{}" }) };
        if (path === "/ws") expect((await ask("alice", "GET", path, options)).status).toBe(426);
        else expect((await ask("no%20body", method.toUpperCase(), address, options)).status).toBe(401);
        if (method !== "get") {
          const foreign = { ...options, headers: { origin: "https://evil.example" } };
          expect((await ask("alice", method.toUpperCase(), address, foreign)).status).toBe(403);
        }
      }
    // Every answer that is no refusal was seen.
    const successes = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).flatMap(([method, { responses }]) =>
        Object.keys(responses)
          .filter((status) => status.startsWith("2"))
          .map((status) => `${method.toUpperCase()} ${path} ${status}`),
      ),
    );
    expect(successes.filter((name) => !tried.has(name))).toEqual([]);
  });

  test("control: Q16 an answer with another field, type or status is a fault", () => {
    const good = { status: 200, type: "application/json", body: { user: "bob" } };
    expect(faultsOf("/contacts/{user}", "GET", good)).toEqual([]);
    for (const bad of [
      { ...good, body: { user: "bob", name: "Bob" } },
      { ...good, body: { user: 7 } },
      { ...good, body: { user: "zoë" } },
      { ...good, body: {} },
      { ...good, status: 202 },
      { ...good, type: "text/plain" },
    ])
      expect(faultsOf("/contacts/{user}", "GET", bad)).not.toEqual([]);
  });

  test("Q16 the problem's codes are those of the table", () => {
    const { components } = document as unknown as {
      components: { schemas: { Problem: { properties: { code: { enum: string[] } } } } };
    };
    expect(components.schemas.Problem.properties.code.enum).toEqual(Object.keys(errorCodes));
  });
});

describe("frames.schema.json", () => {
  const isClient = validatorOf(`${frames.$id}#/$defs/client`);
  const isServer = validatorOf(`${frames.$id}#/$defs/server`);

  test("Q17 every frame of a real server is as it says", async () => {
    const url = server.url;
    const [a, b] = [await joinAs(url, { user: "ann" }), await joinAs(url, { user: "ben" })];
    await a.sendOk({ to: "ben" }, "hi");
    await b.when(() => b.messages().length === 1);
    b.ack();
    const { conversation } = b.messages()[0] ?? { conversation: "" };
    b.watch(["ann", "nobody"]);
    a.typing({ conversation });
    a.ping("1");
    a.post({ to: "ann" }, "to myself");
    await fetch(`http://127.0.0.1:${server.port}/contacts/ben?user=ann`, { method: "PUT" });
    await a.when(() => ["pong", "rejected"].every((type) => a.frames.some((frame) => frame.type === type)));
    a.raw("nonsense", "error");
    await a.when(() => a.frames.some((frame) => frame.type === "error"));
    await b.when(() => ["typing", "presence"].every((type) => b.frames.some((frame) => frame.type === type)));
    const all = [...a.frames, ...b.frames];
    for (const frame of all) expect([frame, isServer(frame) ? [] : isServer.errors]).toEqual([frame, []]);
    expect([...new Set(all.map(({ type }) => type as string))].toSorted()).toEqual(
      Object.keys(serverFrames)
        .filter((type) => type !== "reset")
        .toSorted(),
    );
  });

  test("Q17 whatever the schema of client frames takes the server takes, and the reverse", () => {
    const id = newId();
    const field = (name: string): fc.Arbitrary<unknown> =>
      fc.oneof(
        {
          weight: 6,
          arbitrary: fc.constantFrom(
            ...((
              {
                type: Object.keys(clientFrames),
                id: [id, "x"],
                to: ["bob"],
                conversation: ["c7"],
                text: ["hi"],
                cursor: ["abcdefgh.1"],
                seq: [0, 3],
                typing: [true, false],
                users: [[], ["bob"], ["zoë"]],
              } as Record<string, unknown[]>
            )[name] ?? [1]),
          ),
        },
        { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 1 }) },
      );
    const names = ["type", "id", "to", "conversation", "text", "cursor", "seq", "typing", "users", "extra"];
    const frame = fc
      .subarray(names, { minLength: 1 })
      .chain((chosen) => fc.record(Object.fromEntries(chosen.map((name) => [name, field(name)]))));
    const of = (type: keyof typeof clientFrames): fc.Arbitrary<unknown> => {
      const fields: Record<string, string[]> = {
        send: ["id", "to", "text"],
        ack: ["cursor"],
        read: ["conversation", "seq"],
        typing: ["to", "typing"],
        watch: ["users"],
        ping: ["id"],
      };
      return fc.record({
        type: fc.constant(type),
        ...Object.fromEntries((fields[type] ?? []).map((name) => [name, field(name)])),
      });
    };
    let taken = 0;
    fc.assert(
      fc.property(fc.oneof(frame, ...(Object.keys(clientFrames) as (keyof typeof clientFrames)[]).map(of)), (value) => {
        const decoded = decodeFrame(JSON.stringify(value), defaultLimits);
        // What a text or a recipient is like is judged after the frame's form: such a send is rejected, not a bad frame.
        const { type, to } = value as { type?: unknown; to?: unknown };
        const isName = type === "typing" && typeof to === "string";
        const isForm = decoded.ok || decoded.kind === "rejected" || (isName && decoded.message.endsWith("at to"));
        if (isForm) taken++;
        expect([value, isClient(value)]).toEqual([value, isForm]);
      }),
      { numRuns: 3_000 },
    );
    expect(taken).toBeGreaterThan(500);
  });

  test("Q17 the schemas and the types are one", () => {
    type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
    type Writable<T> = T extends object ? { -readonly [K in keyof T]: Writable<T[K]> } : T;
    type Told = v.InferOutput<(typeof serverFrames)[keyof typeof serverFrames]>;
    const assigned = (frame: Told): ServerFrame => frame;
    const returned = (frame: Writable<ServerFrame>): Told => frame;
    type Types = Same<Told["type"], ServerFrame["type"]>;
    const types: Types = true;
    const client: Same<keyof typeof clientFrames, ClientFrame["type"]> = true;
    expect([types, client, typeof assigned, typeof returned]).toEqual([true, true, "function", "function"]);
    expect(v.safeParse(serverFrames.pong, { type: "pong" }).success).toBe(true);
  });
});
