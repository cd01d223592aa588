import { expect, test } from "bun:test";
import fc from "fast-check";
import { utf8Bytes } from "../../src/internal/utf8.ts";

test("S9 the bytes of a text are counted as UTF-8", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) =>
      expect(utf8Bytes(text.toWellFormed())).toBe(Buffer.byteLength(text.toWellFormed())),
    ),
  );
});
