import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { clientCases, serverCases } from "../../src/conform/index.ts";

const root = join(import.meta.dir, "../..");
const protocol = readFileSync(join(root, "src/protocol/PROTOCOL.md"), "utf8");
const guide = readFileSync(join(root, "docs/write-your-own-client.md"), "utf8");
const cases = [...serverCases, ...clientCases];

/** The sections of the protocol, by their number. */
const sections = new Map(
  protocol
    .split(/^## (?=\d\. )/m)
    .slice(1)
    .map((text) => [text[0] ?? "", text]),
);

test("Y3 each case has an id of its own, in the order of the ids, and a title in plain words", () => {
  expect(serverCases.map(({ id }) => id)).toEqual(serverCases.map((_, at) => idOf("S", at)));
  expect(clientCases.map(({ id }) => id)).toEqual(clientCases.map((_, at) => idOf("C", at)));
  expect(cases.filter(({ title, shows }) => title.length < 20 || !/^[A-Z].*\.$/.test(shows))).toEqual([]);
});

test("Y3 each case is cited in its section of the protocol, and each cited case exists", () => {
  const missing = cases.filter(({ id, section }) => !sections.get(section)?.includes(`[${id}]`));
  expect(missing.map(({ id, section }) => `${id} is not cited in section ${section}`)).toEqual([]);
  const cited = [...protocol.matchAll(/\[([SC]-\d+)\]/g)].map(([, id]) => id);
  expect(cited.filter((id) => !cases.some((one) => one.id === id))).toEqual([]);
});

test("Y3 the guide names every case of a client in one of its steps", () => {
  const named = new Set<string>();
  for (const [, first, last] of guide.matchAll(/\bC-(\d\d)(?:…C-(\d\d))?/g))
    for (let number = Number(first); number <= Number(last ?? first); number++) named.add(idOf("C", number - 1));
  expect(clientCases.map(({ id }) => id).filter((id) => !named.has(id))).toEqual([]);
});

const idOf = (letter: "S" | "C", at: number): (typeof cases)[number]["id"] =>
  `${letter}-${String(at + 1).padStart(2, "0")}` as (typeof cases)[number]["id"];
