import { expect, test } from "bun:test";
import fc from "fast-check";
import { isIdentifier, isMessageId } from "../../src/protocol/identifier.ts";

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-_.@:~";

test("A18 isIdentifier takes phone numbers, names and addresses", () => {
  for (const id of ["a", "+249912345678", "alice", "alice@example.com", "urn:x~1", "..", "a".repeat(128)]) {
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
    "\ud800",
    "\u202ea",
  ];
  for (const id of [...wrong, null, undefined, 1, {}, ["a"]]) expect(isIdentifier(id)).toBe(false);
});

test("A18 isIdentifier takes every text over the alphabet, and no other", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom(...alphabet.split("")), minLength: 1, maxLength: 128 }),
      isIdentifier,
    ),
  );
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 140 }), (text) => {
      const isRight = text.length > 0 && text.length <= 128 && text.split("").every((char) => alphabet.includes(char));
      return isIdentifier(text) === isRight;
    }),
  );
});

test("A18 isMessageId takes canonical UUIDs of every version", () => {
  fc.assert(fc.property(fc.uuid(), (id) => isMessageId(id) && !isMessageId(`${id}\n`) && !isMessageId(`{${id}}`)));
});

test("A18 isMessageId refuses other spellings", () => {
  const id = "01900000-0000-7000-8000-00000000000a";
  const wrong = [
    "",
    id.toUpperCase(),
    id.replaceAll("-", ""),
    ` ${id}`,
    `urn:uuid:${id}`,
    `${id}0`,
    id.slice(1),
    null,
    1,
  ];
  for (const text of wrong) expect(isMessageId(text)).toBe(false);
});

test("A18 isMessageId takes nothing that is no UUID", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom(..."0123456789abcdefABCDEF-g".split("")), minLength: 30, maxLength: 40 }),
      (text) => isMessageId(text) === /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text),
    ),
  );
});
