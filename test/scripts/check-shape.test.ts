import { describe, expect, test } from "bun:test";
import { namedContracts } from "../../scripts/shape/contract.ts";
import { glossary } from "../../scripts/shape/glossary.ts";
import { shortFunctions } from "../../scripts/shape/length.ts";
import { oneState } from "../../scripts/shape/one-state.ts";
import { fewParameters } from "../../scripts/shape/parameters.ts";
import { type Rule, violationsOf } from "../../scripts/shape/rule.ts";
import { parseSource } from "../../scripts/syntax.ts";
import { plantTree } from "../support/tree.ts";

/** The violations of a rule in these files, with these exceptions. */
async function check(rule: Rule, files: Readonly<Record<string, string>>, allowed = {}): Promise<readonly string[]> {
  using tree = plantTree(files);
  return violationsOf({ ...rule, allowed }, await parseSource(tree.root));
}

describe("oneState", () => {
  test("passes one boolean for each function, constants, and states that are no booleans", async () => {
    const text = `export function createA(isOpen: boolean) {
  let isBusy = false;
  const isReady = true;
  let state: "idle" | "running" = "idle";
  const run = () => { let hasFailed = false; hasFailed = true; };
}
let isStarted = false;
`;
    expect(await check(oneState, { "src/a.ts": text })).toEqual([]);
  });

  test("control: refuses two booleans of one function, in any of its blocks, by their literal, type or name", async () => {
    const text = `function outer() {
  const inner = () => {
    let done = false;
    for (;;) { let more: boolean; }
    if (f()) { let isLate = f(); }
  };
}
`;
    expect(await check(oneState, { "src/a.ts": text })).toEqual([
      "src/a.ts:3 outer.inner: done, more, isLate are one state: make it a discriminated union",
    ]);
  });

  test("control: refuses two booleans of a file", async () => {
    expect(await check(oneState, { "src/a.ts": "let isA = false;\nlet isB = true;\n" })).toEqual([
      "src/a.ts:1 (file): isA, isB are one state: make it a discriminated union",
    ]);
  });
});

describe("fewParameters", () => {
  test("passes two parameters, `this` and options beside them, contracts, and functions that are not exported", async () => {
    const text = `export function a(this: object, one: string, ...others: string[]) {}
export const b = (one: string, two: string, { three, four }: Options) => one;
export const c = (one: string, two: string, options: Options) => one;
export const d: Handler<"typing"> = (connection, frame, context) => context;
function inner(one: string, two: string, three: string) {}
`;
    expect(await check(fewParameters, { "src/a.ts": text })).toEqual([]);
  });

  test("control: refuses three parameters of an exported function, however it is written and exported", async () => {
    const text = `export function a(one: string, two: string, three: string) {}
export const b = (one: string, two: string, three = "") => one;
function c(one: string, two: string, three: string, four: string) {}
export { c as d };
export const e: (one: string, two: string, three: string) => void = (one, two, three) => {};
`;
    expect(await check(fewParameters, { "src/a.ts": text })).toEqual([
      "src/a.ts:1 a: 3 positional parameters; at most 2, then an object of options",
      "src/a.ts:2 b: 3 positional parameters; at most 2, then an object of options",
      "src/a.ts:3 d: 4 positional parameters; at most 2, then an object of options",
      "src/a.ts:5 e: 3 positional parameters; at most 2, then an object of options",
    ]);
  });
});

describe("shortFunctions", () => {
  const functionOf = (name: string, lines: number): string =>
    `export function ${name}() {\n${"  f();\n".repeat(lines - 2)}}\n`;

  test("passes 120 lines, and 150 of createChat", async () => {
    const files = { "src/a.ts": functionOf("createA", 120), "src/chat.ts": functionOf("createChat", 150) };
    expect(await check(shortFunctions, files)).toEqual([]);
  });

  test("control: refuses a line more, also of a function inside another", async () => {
    const inner = functionOf("inner", 121).replace("export ", "");
    const files = {
      "src/a.ts": `const outer = { open() {\n${inner}} };\n`,
      "src/chat.ts": functionOf("createChat", 151),
    };
    expect(await check(shortFunctions, files)).toEqual([
      "src/a.ts:1 open: 123 lines; at most 120",
      "src/a.ts:2 open.inner: 121 lines; at most 120",
      "src/chat.ts:1 createChat: 151 lines; at most 150",
    ]);
  });
});

describe("namedContracts", () => {
  const factory = "export function createHub() { return {}; }\nexport type Hub = ReturnType<typeof createHub>;\n";

  test("passes a ReturnType that stays inside its folder, and a named type that does not", async () => {
    const files = {
      "src/hub/hub.ts": `${factory}export type Watch = { stop: () => void };\n`,
      "src/hub/frame.ts":
        'import { createHub, type Hub } from "./hub.ts";\nexport type Own = ReturnType<typeof createHub>;\nlet hub: Hub;\n',
      "src/http/route.ts": 'import type { Watch } from "../hub/hub.ts";\nexport type Route = Watch;\n',
    };
    expect(await check(namedContracts, files)).toEqual([]);
  });

  test("control: refuses a ReturnType that another folder imports, also under another name", async () => {
    const files = {
      "src/hub/hub.ts": `${factory}type Inner = { hub: Awaited<ReturnType<typeof createHub>> };\nexport type { Inner as Late };\n`,
      "src/http/route.ts": 'import type { Hub as OurHub, Late } from "../hub/hub.ts";\n',
    };
    const advice = "write the contract as a type with a comment for each method, above its factory";
    expect(await check(namedContracts, files)).toEqual([
      `src/hub/hub.ts:2 Hub: a ReturnType that other folders import: ${advice}`,
      `src/hub/hub.ts:3 Late: a ReturnType that other folders import: ${advice}`,
    ]);
  });

  test("control: refuses a ReturnType of a factory of another folder, inside any type", async () => {
    const files = {
      "src/hub/hub.ts": factory,
      "src/http/route.ts":
        'import type { createHub } from "../hub/hub.ts";\ntype Wired = { hub: Awaited<ReturnType<typeof createHub>> | null };\n',
    };
    expect((await check(namedContracts, files)).join()).toContain(
      "src/http/route.ts:2 createHub: a ReturnType from src/hub/hub.ts, in another folder",
    );
  });
});

describe("glossary", () => {
  test("passes names of the glossary, words inside other words, and names that are not exported", async () => {
    const files = {
      "src/hub/replay.ts": "export const createReplay = f;\nexport type Details = 1;\nconst tail = 1;\n",
    };
    expect(await check(glossary, files)).toEqual([]);
  });

  test("control: refuses a banned word in an exported name or the name of a file, and says which word replaces it", async () => {
    const files = {
      "src/hub/log-tail.ts": "export const one = 1;\n",
      "src/push/a.ts":
        "export function createLane() {}\nexport type Look = 1;\nconst faultOfId = 1;\nexport { faultOfId };\n",
    };
    expect(await check(glossary, files)).toEqual([
      'src/hub/log-tail.ts:1 log-tail: the glossary says replay for "tail"',
      'src/push/a.ts:1 createLane: the glossary says provider queue for "lane"',
      "src/push/a.ts:2 Look: the glossary says PageRead",
      "src/push/a.ts:3 faultOfId: the glossary says validateId",
    ]);
  });
});

test("an exception hides its finding, and an exception without a finding is refused", async () => {
  const files = { "src/a.ts": "export const createTail = 1;\nexport const createTally = 2;\n" };
  const allowed = { "src/a.ts createTail": "It is the tail of a list.", "src/b.ts gone": "It was renamed." };
  expect(await check(glossary, files, allowed)).toEqual([
    'src/a.ts:2 createTally: the glossary says counter for "tally"',
    "src/b.ts gone: is an exception that nothing needs; remove it from the rule's list",
  ]);
});
