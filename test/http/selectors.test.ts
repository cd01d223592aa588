import { expect, test } from "bun:test";
import { encodeNext, readGivenSelectors, readSelectors } from "../../src/http/selectors.ts";
import { systemRandom } from "../../src/internal/random.ts";
import { createCursors } from "../../src/protocol/cursor.ts";
import { defaultLimits } from "../../src/protocol/limits.ts";
import { newest } from "../../src/store/read/history.ts";

const cursors = createCursors({ secret: "0123456789abcdef".repeat(4), epoch: "abcdefgh", random: systemRandom });
const options = { limits: defaultLimits, cursors };
const id = "0198abcd-0000-7000-8000-00000000000f";

function outcome<T>(read: () => T): T | string {
  try {
    return read();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
const ask = (query: string) => outcome(() => readSelectors(`http://h/messages?${query}`, options));
const query = (text: string) => {
  const found = ask(text);
  return typeof found === "string" ? found : found.query;
};

test("Q2 Q3 each selector decides where a query begins", () => {
  const list = { order: { up: 0 }, limit: 50, undelivered: "default" };
  expect([query(""), query("device=phone"), query("limit=7")]).toEqual([
    list,
    { ...list, undelivered: "phone" },
    { ...list, limit: 7 },
  ]);
  expect(query("undelivered=true&with=bob&device=phone")).toEqual({
    with: "bob",
    order: { up: 0 },
    limit: 50,
    undelivered: "phone",
  });
  expect(query("with=bob")).toEqual({ with: "bob", order: { down: newest }, limit: 50 });
  expect(query("from=bob&since=0")).toEqual({ from: "bob", since: 0, order: { down: newest }, limit: 50 });
  const c7 = { conversation: "c7", limit: 50 };
  expect(query("conversation=c7&before=9")).toEqual({ ...c7, order: { down: 9 } });
  expect(query("conversation=c7&after=0")).toEqual({ ...c7, order: { up: 0 } });
  // The message itself is on the upper side.
  expect(query("conversation=c7&around=9")).toEqual({ ...c7, order: { down: 9, up: 8 } });
  expect(query(`ids=${id.toUpperCase()},${id}`)).toEqual({ ids: [id], order: {}, limit: 50 });
});

test("Q5 selectors that contradict each other are refused by their names", () => {
  for (const [text, fault] of [
    ["with=bob&conversation=c7", "The parameters with and conversation exclude each other"],
    ["with=bob&before=1&after=1", "The parameters before and after exclude each other"],
    ["with=bob&after=1&around=1", "The parameters after and around exclude each other"],
    [`with=bob&around=1&ids=${id}`, "The parameters around and ids exclude each other"],
    ["before=1", "The parameter before needs with or conversation"],
    ["since=2&until=1", "The parameter until is before since"],
    ["conversation=", "A parameter is malformed or unknown at conversation"],
    ["with=bob&before=0", "A parameter is malformed or unknown at before"],
    ["undelivered=false", "A parameter is malformed or unknown at undelivered"],
    ["limit=201", "A parameter is malformed or unknown at limit"],
    ["ids=", "A parameter is malformed or unknown at ids"],
  ] as const)
    expect([text, ask(text)]).toEqual([text, fault]);
  expect(query("since=2&until=2")).toMatchObject({ since: 2, until: 2 });
});

test("Q3 `next` goes on with its query, at its own place, and may be asked with another limit", () => {
  const first = ask("with=bob&from=bob&limit=10");
  if (typeof first === "string") throw new Error(first);
  const next = encodeNext({ selectors: first.selectors, walk: { down: 33 } }, cursors);
  const whole = { with: "bob", from: "bob", order: { down: 33 } };
  expect(query(`next=${next}`)).toEqual({ ...whole, limit: 10 });
  expect(query(`next=${next}&limit=3&with=bob`)).toEqual({ ...whole, limit: 3 });
  expect([ask(`next=${next}&with=eve`), ask(`next=${next}&since=1`)]).toEqual([
    "The parameter with contradicts next",
    "The parameter since contradicts next",
  ]);
});

test("Q5 T8 a `next` that this server has not made, or that says something else, is malformed", () => {
  const sealed = (value: unknown) => cursors.seal(JSON.stringify(value));
  for (const next of [
    "x",
    cursors.seal("{"),
    cursors.seal("conversations 7"),
    sealed({ texts: {}, walk: { down: -1 } }),
    sealed({ texts: {}, walk: {}, more: 1 }),
    sealed({ texts: { with: "b b" }, walk: {} }),
    sealed({ texts: { unknown: "b" }, walk: {} }),
  ])
    expect(ask(`next=${next}`)).toBe("The parameter next is malformed");
  expect(ask("next=")).toContain("at next");
});

test("K64 K65 the host's own query is read alike, without a device, and without a selector it is everything", () => {
  const given = (fields: object) => outcome(() => readGivenSelectors(fields, options));
  expect(given({})).toMatchObject({ query: { since: 0, order: { down: newest }, limit: 50 } });
  expect(given({ with: "bob", after: 3, limit: 2 })).toMatchObject({
    query: { with: "bob", order: { up: 3 }, limit: 2 },
  });
  expect(given({ ids: [id] })).toMatchObject({ query: { ids: [id], order: {} } });
  expect(given({ since: 2, until: 1 })).toBe("The parameter until is before since");
  expect(given({ limit: "2" })).toBe("The field limit must be a number");
  const next = encodeNext({ selectors: { with: "bob" }, walk: { down: 5 } }, cursors);
  expect(given({ next })).toMatchObject({ query: { with: "bob", order: { down: 5 } } });
  // One of a device goes on with the list of that device: a read by the host must not.
  const list = encodeNext({ selectors: { undelivered: "true" }, walk: { up: 5 } }, cursors);
  expect(given({ next: list })).toBe("The parameter next is malformed");
});
