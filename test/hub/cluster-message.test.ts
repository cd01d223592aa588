import { describe, expect, test } from "bun:test";
import { type ClusterMessage, decodeMessage, encodeMessage } from "../../src/hub/cluster-message.ts";

const identity = { tenant: "acme", user: "bob" };

/** Each message with its text, which nodes of other releases read and write. */
const messages: readonly (readonly [ClusterMessage, string])[] = [
  [{ type: "frame", frame: '{"type":"typing"}' }, '{"frame":"{\\"type\\":\\"typing\\"}"}'],
  [{ type: "ask", ask: "n1" }, '{"ask":"n1"}'],
  [
    { type: "answer", node: "n1", ...identity, devices: [["phone", 40]] },
    '{"node":"n1","tenant":"acme","user":"bob","devices":[["phone",40]]}',
  ],
  [{ type: "check", check: "n1", ...identity }, '{"check":"n1","tenant":"acme","user":"bob"}'],
  [{ type: "gone", node: "n1", ...identity, gone: true }, '{"node":"n1","tenant":"acme","user":"bob","gone":true}'],
  [{ type: "presence", node: "n1", online: true }, '{"node":"n1","online":true}'],
  [{ type: "presence", node: "n1", online: false }, '{"node":"n1","online":false}'],
  [{ type: "alive", node: "n1" }, '{"node":"n1"}'],
  [{ type: "alive", node: "n1", divided: true }, '{"node":"n1","divided":true}'],
];

describe("messages between nodes", () => {
  for (const [message, text] of messages)
    test(`H16 ${text} is the text of ${message.type}`, () => {
      expect(encodeMessage(message)).toBe(text);
      expect(decodeMessage(text)).toEqual(message);
    });

  test("H16 texts of other programs are no messages", () => {
    for (const text of ["", "no JSON", "null", "7", '"node"', "[]", "{}", '{"node":7}', '{"check":"n1"}', '{"ask":{}}'])
      expect(decodeMessage(text)).toBeNull();
  });

  test("F20: rows for a user's nodes are no messages", () => {
    expect(decodeMessage('{"from":1,"to":2,"for":"AAAAAA","rows":[],"node":"n1"}')).toBeNull();
  });

  test("H16 devices that are none are left out of an answer", () => {
    const text = JSON.stringify({ node: "n1", ...identity, devices: [["phone", 40], ["pad"], 7, null, [1, 2]] });
    expect(decodeMessage(text)).toEqual({ type: "answer", node: "n1", ...identity, devices: [["phone", 40]] });
  });
});
