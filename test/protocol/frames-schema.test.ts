import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { SignJWT } from "jose";
import { utf8Bytes } from "../../src/internal/utf8.ts";
import { clientFrames } from "../../src/protocol/client-schema.ts";
import { decodeFrame } from "../../src/protocol/decode.ts";
import { defaultLimits } from "../../src/protocol/limits.ts";
import { changes as changeSchemas, serverFrames } from "../../src/protocol/server-schema.ts";
import { createAjv, readJson } from "../http/described.ts";
import { endClients, join as joinAs } from "../support/client.ts";
import { type RunningServer, startServer } from "../support/server.ts";
import { newId } from "../support/store.ts";

const frames = readJson<{ $id: string } & object>("docs/frames.schema.json");
const ajv = createAjv();
ajv.addSchema(frames);
const validatorOf = (side: "client" | "server") => {
  const found = ajv.getSchema(`${frames.$id}#/$defs/${side}`);
  if (!found) throw new Error(`There is no schema of what a ${side} sends`);
  return found;
};
const isClient = validatorOf("client");
const isServer = validatorOf("server");

let server: RunningServer;
/** A server with users who have tokens, and one of the tokens. */
let guarded: RunningServer;
let token: string;
beforeAll(async () => {
  const secret = "a secret of thirty-two bytes, or more";
  server = await startServer();
  guarded = await startServer({ env: { AUTH: "jwt", JWT_SECRET: secret } });
  const claims = new SignJWT({ sub: "cat" }).setProtectedHeader({ alg: "HS256" }).setExpirationTime("1h");
  token = await claims.sign(new TextEncoder().encode(secret));
});
afterAll(async () => {
  endClients();
  await server.dispose();
  await guarded.dispose();
});

describe("frames of the server", () => {
  test("Q17 every frame and change of a real server fits the schema, and each kind occurs", async () => {
    const { url } = server;
    const [a, b] = [await joinAs(url, { user: "ann", level: 3 }), await joinAs(url, { user: "ben" })];
    await a.sendOk({ to: "ben" }, "hi");
    await b.when(() => b.messages().length === 1);
    b.ack();
    const { conversation } = b.messages()[0] ?? { conversation: "" };
    b.watch(["ann", "nobody"]);
    a.typing({ conversation });
    a.ping("1");
    a.post({ to: "a b" }, "to nobody");
    await fetch(`http://127.0.0.1:${server.port}/contacts/ben?user=ann`, { method: "PUT" });
    await a.when(() => ["pong", "rejected"].every((type) => a.frames.some((frame) => frame.type === type)));
    a.raw("nonsense", "error");
    await a.when(() => a.frames.some((frame) => frame.type === "error"));
    await b.when(() => ["typing", "presence"].every((type) => b.frames.some((frame) => frame.type === type)));
    const kindsOf = (list: readonly { readonly type: string }[]) =>
      list.flatMap((frame) =>
        "changes" in frame ? (frame.changes as { kind: string }[]).map(({ kind }) => kind) : [],
      );
    await fetch(`http://127.0.0.1:${server.port}/conversations/${conversation}/mute?user=ann`, {
      method: "PUT",
      headers: { "content-type": "application/json" },
      body: "{}",
    });
    await fetch(`http://127.0.0.1:${server.port}/groups?user=ann`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ id: newId(), name: "Lunch", members: ["ben"] }),
    });
    const kinds = ["receipt", "relation", "setting", "group", "membership"];
    await a.when(() => kinds.every((kind) => kindsOf(a.frames).includes(kind)));
    const elsewhere = await joinAs(url, { user: "ben", device: "old", cursor: "0000000000000000.1" });
    await elsewhere.when(() => elsewhere.frames.some((frame) => frame.type === "reset"));
    const c = await joinAs(guarded.url, { user: "cat", isDemo: false, headers: { Authorization: `Bearer ${token}` } });
    c.raw(JSON.stringify({ type: "authenticate", token, id: "1" }), "authenticated");
    await c.when(() => c.frames.some((frame) => frame.type === "authenticated"));
    const all = [...a.frames, ...b.frames, ...c.frames, ...elsewhere.frames];
    for (const frame of all) expect([frame, isServer(frame) ? [] : isServer.errors]).toEqual([frame, []]);
    expect([...new Set(all.map(({ type }) => type as string))].toSorted()).toEqual(
      Object.keys(serverFrames).toSorted(),
    );
    expect([...new Set(kindsOf(all))].toSorted()).toEqual(Object.keys(changeSchemas).toSorted());
  });

  test("control: Q17 a frame with another field, kind, code or value is a fault", () => {
    const pong = { type: "pong", id: "1" };
    const refused = { type: "error", code: "bad_frame", message: "M" };
    const change = { kind: "receipt", conversation: "c1", user: "bob", delivered: 1, read: 0 };
    const changes = (one: object) => ({ type: "changes", cursor: "a.1", more: false, changes: [one] });
    for (const good of [pong, refused, changes(change)]) expect(isServer(good)).toBe(true);
    for (const bad of [
      { ...pong, extra: 1 },
      { ...pong, id: 7 },
      { type: "ping" },
      { ...refused, code: "made_up" },
      changes({ ...change, read: -1 }),
      changes({ ...change, kind: "made_up" }),
      { type: "presence", user: "bob", state: "online", lastSeen: 1 },
    ])
      expect(isServer(bad)).toBe(false);
  });
});

test("Q17 the page of the protocol shows every type of frame and every kind of change", () => {
  const page = readFileSync(join(import.meta.dir, "../../src/protocol/PROTOCOL.md"), "utf8");
  const missing = (name: string, values: object): readonly string[] =>
    Object.keys(values).filter((value) => !page.includes(`"${name}":"${value}"`));
  expect([
    ...missing("type", clientFrames),
    ...missing("type", serverFrames),
    ...missing("kind", changeSchemas),
  ]).toEqual([]);
});

describe("at run time", () => {
  /** Whether the bundle of a part of the server contains the schemas of the server's frames. */
  async function carriesSchemas(entry: string): Promise<boolean> {
    const entrypoints = [join(import.meta.dir, "../../src", entry)];
    const { outputs } = await Bun.build({ entrypoints, target: "bun", external: ["libsql", "@libsql/*"] });
    const text = (await Promise.all(outputs.map((output) => output.text()))).join("");
    expect(text).not.toContain("to-json-schema");
    return text.includes("// src/protocol/server-schema.ts");
  }

  test("Q17 the code that sends frames imports only types of the schemas, and checks no frame", async () => {
    expect(await carriesSchemas("hub/hub.ts")).toBe(false);
  });

  test("control: Q17 the table of routes, which needs the schemas for its documents, is found to contain them", async () => {
    expect(await carriesSchemas("http/api.ts")).toBe(true);
  });
});

type Fields = Readonly<Record<string, readonly unknown[]>>;

const id = newId();
/** The last valid values, the first invalid ones, and other types. A 😀 is one character and two units of UTF-16. */
const valuesOf: Fields = {
  type: [...Object.keys(clientFrames), "welcome", "__proto__", "toString"],
  id: [id, "x", "", "i".repeat(128), "i".repeat(129), "😀".repeat(128), "😀".repeat(129), id.toUpperCase(), 7],
  to: ["bob", "+249912345678", "b".repeat(128), "b".repeat(129), "", "zoë", "b\n", null],
  conversation: ["c7", "c".repeat(64), "c".repeat(65), "😀".repeat(64), "😀".repeat(65), "\ud800", "", 7],
  text: ["hi", "x".repeat(16_384), "x".repeat(16_385), "é".repeat(8_192), "é".repeat(8_193), "a\0b", "\ud800", "", 7],
  cursor: ["abcdefgh.1", "c".repeat(128), "c".repeat(129), "😀".repeat(128), "😀".repeat(129), "", null],
  seq: [0, 3, Number.MAX_SAFE_INTEGER, 2 ** 53, -1, 1.5, "3", null],
  typing: [true, false, 1, null],
  users: [[], ["bob"], ["zoë"], ["bob", 7], many(500), many(501), "bob"],
  token: ["a.b.c", "!~", "t".repeat(8_192), "t".repeat(8_193), "", "a b", "a\nb", "é", 7],
  extra: [1],
};
function many(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `u${i}`);
}

const fieldsOf: Readonly<Record<keyof typeof clientFrames, readonly (readonly string[])[]>> = {
  send: [
    ["id", "to", "text"],
    ["id", "conversation", "text"],
  ],
  ack: [["cursor"]],
  read: [["conversation", "seq"]],
  typing: [
    ["to", "typing"],
    ["conversation", "typing"],
  ],
  watch: [["users"]],
  authenticate: [["token"], ["token", "id"]],
  ping: [[], ["id"]],
};

const names = Object.keys(valuesOf);
/** The first of the values is valid for any field. */
const anyOf = (values: readonly unknown[] = []) =>
  fc.oneof(
    { weight: 8, arbitrary: fc.constant(values[0]) },
    { weight: 8, arbitrary: fc.constantFrom(...values) },
    { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 1 }) },
  );
/** Null, or once in `weight + 1` times one of the list. */
const seldom = (weight: number, list: readonly string[]) =>
  fc.oneof({ weight, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: fc.constantFrom(...list) });
/** A frame of the right form, with values that may be odd; sometimes a field is missing, contradicts another, or is unknown. */
const frame = fc
  .constantFrom(...Object.entries(fieldsOf).flatMap(([type, forms]) => forms.map((form) => ({ type, form }))))
  .chain(({ type, form }) =>
    fc.record({
      base: fc.record(Object.fromEntries(form.map((name) => [name, anyOf(valuesOf[name])]))),
      odd: seldom(5, names),
      missing: seldom(11, [...form, "type"]),
      value: fc.constantFrom(...names).chain((name) => anyOf(valuesOf[name])),
      type: fc.constant(type),
    }),
  )
  .map(({ type, base, odd, missing, value }) => {
    const whole: Record<string, unknown> = { type, ...base, ...(odd !== null && { [odd]: value }) };
    return Object.fromEntries(Object.entries(whole).filter(([name]) => name !== missing));
  });

/** The rules that JSON Schema cannot express: the bytes of a text, and that it is well-formed. */
const isBeyondSchema = ({ text }: { readonly text?: unknown }): boolean =>
  typeof text === "string" && (utf8Bytes(text) > defaultLimits.textBytesMax || !text.isWellFormed());

describe("frames of a client", () => {
  test("Q17 are accepted by the server exactly if the schema accepts them", () => {
    const taken = new Map<string, number>();
    const refused = new Map<string, number>();
    fc.assert(
      fc.property(frame, (value) => {
        const isTaken = decodeFrame(JSON.stringify(value), defaultLimits).ok;
        const counts = isTaken ? taken : refused;
        counts.set(String(value["type"]), (counts.get(String(value["type"])) ?? 0) + 1);
        const short = JSON.stringify(value).slice(0, 300);
        expect([short, isClient(value) && !isBeyondSchema(value)]).toEqual([short, isTaken]);
      }),
      { numRuns: 8_000 },
    );
    // Both results occurred often enough for each type.
    for (const type of Object.keys(clientFrames))
      for (const counts of [taken, refused]) expect(counts.get(type) ?? 0).toBeGreaterThan(50);
  });

  test("Q17 the server accepts the longest text in bytes, which the schema only describes, and no longer one", () => {
    const send = (text: string) => ({ type: "send", id, to: "bob", text });
    for (const [text, isTaken] of [
      ["é".repeat(8_192), true],
      ["é".repeat(8_193), false],
      ["\ud800", false],
    ] as const) {
      expect(isClient(send(text))).toBe(true);
      expect(decodeFrame(JSON.stringify(send(text)), defaultLimits).ok).toBe(isTaken);
    }
  });

  test("control: Q17 a field of each kind without a bound in the schema is found", () => {
    // The generator must reach the values at which a schema and a check differ.
    for (const [type, field, value] of [
      ["ack", "cursor", "😀".repeat(128)],
      ["watch", "users", many(501)],
      ["typing", "to", "zoë"],
      ["read", "seq", 2 ** 53],
    ] as const) {
      const isIt = (drawn: Record<string, unknown>): boolean =>
        drawn["type"] === type && JSON.stringify(drawn[field]) === JSON.stringify(value);
      expect([type, fc.sample(frame, { numRuns: 8_000, seed: 1 }).some(isIt)]).toEqual([type, true]);
    }
  });
});
