import { expect, test } from "bun:test";
import fc from "fast-check";
import { validateIdentifier, isIdentifier, isMessageId } from "../../src/protocol/identifier.ts";

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-_.@:~|";

test("A18 isIdentifier accepts phone numbers, names, e-mail addresses and ids of identity providers", () => {
  const right = [
    ...["a", "+249912345678", "alice", "alice@example.com", "urn:x~1", "a".repeat(128), "...", ".a", "a..", "..a"],
    ...["auth0|5f7c8ec7c33c6c004bbafe82", "google-oauth2|103547991597142817347", "samlp|acme|alice@acme.example"],
    ...["001234.0123456789abcdef0123456789abcdef.0123", "us-east-1:3f9b0f2e-7c61-4f1c-9d6c-0a3b2c1d4e5f", "|"],
  ];
  for (const id of right) {
    expect(isIdentifier(id)).toBe(true);
  }
});

test("A18 isIdentifier refuses everything else", () => {
  const wrong = [
    "",
    "a".repeat(129),
    "a b",
    "a\n",
    "\na",
    "a\0",
    "zoë",
    "а",
    "a/b",
    "a*",
    "a>",
    "a%20",
    ".",
    "..",
    "a|\n",
    "\ud800",
    "\u202ea",
  ];
  for (const id of [...wrong, null, undefined, 1, {}, ["a"]]) expect(isIdentifier(id)).toBe(false);
});

test("A18 isIdentifier accepts every text over the alphabet, and no other", () => {
  fc.assert(
    fc.property(
      fc
        .string({ unit: fc.constantFrom(...alphabet.split("")), minLength: 1, maxLength: 128 })
        .filter((id) => !/^\.{1,2}$/.test(id)),
      isIdentifier,
    ),
  );
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 140 }), (text) => {
      const isRight =
        text.length > 0 &&
        text.length <= 128 &&
        text !== "." &&
        text !== ".." &&
        text.split("").every((char) => alphabet.includes(char));
      return isIdentifier(text) === isRight;
    }),
  );
});

test("A54 validateIdentifier names the rule and one character, and nothing else of the value", () => {
  const faults: readonly (readonly [unknown, string | null])[] = [
    ["auth0|1", null],
    ["", "it is empty"],
    [7, "it is no string but number"],
    [null, "it is no string but null"],
    ["..", '"." and ".." are no ids'],
    ["s3cret/s3cret", 'character 7 is U+002F "/", which no id has'],
    ["zo\u00eb", "character 3 is U+00EB, which no id has"],
    ["a\n", "character 2 is U+000A, which no id has"],
    ["\ud83d\udcac", "character 1 is U+1F4AC, which no id has"],
    ["a".repeat(129), "it has 129 characters, an id has at most 128"],
  ];
  for (const [value, fault] of faults) expect([value, validateIdentifier(value)]).toEqual([value, fault]);
  fc.assert(fc.property(fc.anything(), (value) => (validateIdentifier(value) === null) === isIdentifier(value)));
});

test("A18 isMessageId accepts canonical UUIDs of every version, in either case", () => {
  fc.assert(
    fc.property(
      fc.uuid(),
      (id) => isMessageId(id) && isMessageId(id.toUpperCase()) && !isMessageId(`${id}\n`) && !isMessageId(`{${id}}`),
    ),
  );
});

test("A18 isMessageId refuses other spellings", () => {
  const id = "01900000-0000-7000-8000-00000000000a";
  const wrong = ["", id.replaceAll("-", ""), ` ${id}`, `urn:uuid:${id}`, `${id}0`, id.slice(1), null, 1];
  for (const text of wrong) expect(isMessageId(text)).toBe(false);
});

test("A18 isMessageId refuses every text that is not a UUID", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom(..."0123456789abcdefABCDEF-g".split("")), minLength: 30, maxLength: 40 }),
      (text) => isMessageId(text) === /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text),
    ),
  );
});
