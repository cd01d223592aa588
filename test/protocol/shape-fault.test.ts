import { describe, expect, test } from "bun:test";
import { decodeFrame } from "../../src/protocol/decode.ts";
import { defaultLimits } from "../../src/protocol/limits.ts";

const id = "01980000-0000-7000-8000-000000000001";

function messageOf(frame: object): string {
  const decoded = decodeFrame(JSON.stringify({ type: "send", ...frame }), defaultLimits);
  return decoded.ok ? "taken" : decoded.message;
}

describe("the fault of a frame", () => {
  const cases: readonly (readonly [object, string])[] = [
    [{ id, to: "bob", text: "hi" }, "taken"],
    [{ to: "bob", text: "hi" }, "The send frame is malformed at id: it is missing"],
    [{ id: "1", to: "bob", text: "hi" }, "The send frame is malformed at id"],
    [{ id, to: "bob" }, "The send frame is malformed at text: it is missing"],
    [{ id, to: "bob", text: "hi", extra: 1 }, "The send frame is malformed at extra: there is no such field"],
    [{ id, to: "bob", text: "hi", "a b": 1 }, "The send frame is malformed: there is no such field"],
    [{ id, text: "hi" }, "The send frame is malformed: exactly one of to and conversation is needed"],
    [
      { id, to: "bob", conversation: "c1", text: "hi" },
      "The send frame is malformed: exactly one of to and conversation is needed",
    ],
  ];
  for (const [frame, text] of cases)
    test(`Q82 ${JSON.stringify(frame)}: ${text}`, () => expect(messageOf(frame)).toBe(text));
});
