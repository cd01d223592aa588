import { expect, test } from "bun:test";
import fc from "fast-check";
import { decodeConversation, encodeConversation } from "../../src/protocol/conversation-id.ts";

test("O6 a conversation id comes back unchanged, and all other texts are refused", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2 ** 52 }), (key) =>
      expect(decodeConversation(encodeConversation(key))).toBe(key),
    ),
  );
  for (const text of ["", "c", "c0", "C1", "d1", "czzzzzzzzzzz", "czzzzzzzzzzzzz", "c1 "])
    expect(decodeConversation(text)).toBeNull();
});
