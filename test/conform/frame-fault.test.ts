import { expect, test } from "bun:test";
import { duplexPair } from "node:stream";
import { createConnection } from "../../src/conform/server/connection.ts";
import { closePayload, encodeFrame, opcode } from "../../src/conform/wire/frame-codec.ts";
import { type Closed, createWebSocketEnd } from "../../src/conform/wire/web-socket.ts";
import { deadline } from "../support/deadline.ts";

type Sender = "client" | "server";
type Form = { readonly op?: number; readonly isFinal?: boolean; readonly first?: number; readonly isMasked?: boolean };

/** A frame as `sender` sends it; `first` replaces its first byte. */
function frame(sender: Sender, payload: string | Uint8Array, { first, ...form }: Form = {}): Buffer {
  const isMasked = sender === "client";
  const bytes = encodeFrame(Buffer.from(payload), { op: opcode.text, isMasked, ...form });
  if (first !== undefined) bytes[0] = first;
  return bytes;
}

/** What the kit says of these bytes, what it takes for texts, and how it closes. */
async function read(sender: Sender, bytes: Uint8Array) {
  const [near, far] = duplexPair();
  const found: { texts: string[]; faults: string[]; code: number } = { texts: [], faults: [], code: 0 };
  // The sender, which reads what it is closed with.
  createWebSocketEnd(near, {
    ...{ role: sender, head: Buffer.alloc(0), onText: () => {}, onFault: () => {} },
    onClose: (closed: Closed) => (found.code = closed.code),
  });
  const end = createWebSocketEnd(far, {
    ...{ role: sender === "client" ? "server" : "client", head: Buffer.alloc(0) },
    onText: (text) => found.texts.push(text),
    onFault: (fault) => found.faults.push(fault),
  });
  near.write(bytes);
  near.write(frame(sender, "after it"));
  near.write(frame(sender, closePayload(1000, ""), { op: opcode.close }));
  await end.closed;
  await new Promise<void>((resolve) => void setImmediate(resolve));
  return found;
}

const long = "x".repeat(126);

for (const sender of ["client", "server"] as const) {
  test(`Y6 what RFC 6455 allows a ${sender} to send has no fault`, async () => {
    const bytes = Buffer.concat([
      frame(sender, "h\u00e9 \ud83d\ude00 \ufeff"),
      frame(sender, Buffer.of(0xc3), { isFinal: false }),
      frame(sender, "between", { op: opcode.ping }),
      frame(sender, Buffer.of(0xa9), { op: opcode.continuation }),
      frame(sender, long),
      frame(sender, "x".repeat(70_000)),
      frame(sender, "x".repeat(125), { op: opcode.pong }),
    ]);
    const { texts, faults, code } = await read(sender, bytes);
    expect(texts).toEqual(["h\u00e9 \ud83d\ude00 \ufeff", "\u00e9", long, "x".repeat(70_000), "after it"]);
    expect([faults, code]).toEqual([[], 1000]);
  });

  const other = sender === "client" ? "server" : "client";
  const wrong: readonly (readonly [name: string, bytes: Buffer, code: number])[] = [
    [sender === "client" ? "a frame without a mask" : "a frame with a mask, from a server", frame(other, "text"), 1002],
    ["a frame with a reserved bit", frame(sender, "text", { first: 0xc1 }), 1002],
    ["a frame with a reserved bit", frame(sender, "text", { first: 0xa1 }), 1002],
    ["a frame with a reserved bit", frame(sender, "text", { first: 0x91 }), 1002],
    ["a frame with the unknown opcode 3", frame(sender, "text", { op: 3 }), 1002],
    ["a frame with the unknown opcode 11", frame(sender, "text", { op: 11 }), 1002],
    ["a text that is not UTF-8", frame(sender, Buffer.of(0x61, 0xff)), 1007],
    ["a text that is not UTF-8", frame(sender, Buffer.of(0xed, 0xa0, 0x80)), 1007],
    ["a control frame in fragments", frame(sender, "", { op: opcode.ping, isFinal: false }), 1002],
    ["a control frame over 125 bytes", frame(sender, long, { op: opcode.ping }), 1002],
    ["a continuation of no message", frame(sender, "text", { op: opcode.continuation }), 1002],
    [
      "a new message within another one",
      Buffer.concat([frame(sender, "", { isFinal: false }), frame(sender, "text")]),
      1002,
    ],
    ["a close frame without a code", frame(sender, "x", { op: opcode.close }), 1002],
    ["a close frame without a code", frame(sender, closePayload(1005, ""), { op: opcode.close }), 1002],
    ["a close frame without a code", frame(sender, closePayload(2999, ""), { op: opcode.close }), 1002],
    ["a text that is not UTF-8", frame(sender, Buffer.of(0x0f, 0xa0, 0xff), { op: opcode.close }), 1007],
  ];
  for (const [at, [name, bytes, code]] of wrong.entries())
    test(`Y6 a ${sender} that sends ${name} is found, and nothing after it is read (${at + 1})`, async () => {
      const found = await read(sender, bytes);
      expect(found).toEqual({ texts: [], faults: [expect.stringContaining(name)], code });
    });

  test(`Y6 a binary frame of a ${sender} is found, and is no text; the connection goes on`, async () => {
    expect(await read(sender, frame(sender, "binary", { op: opcode.binary }))).toEqual({
      ...{ texts: ["after it"], faults: ["a binary frame, where each frame of the protocol is text"], code: 1000 },
    });
    const fragments = [
      frame(sender, "bi", { op: opcode.binary, isFinal: false }),
      frame(sender, "nary", { op: opcode.continuation }),
    ];
    const { texts, faults } = await read(sender, Buffer.concat(fragments));
    expect([texts, faults.length]).toEqual([["after it"], 1]);
  });

  test(`Y6 a length of a ${sender} in more bytes than it takes is found`, async () => {
    const mask = sender === "client" ? [0, 0, 0, 0] : [];
    const bit = sender === "client" ? 0x80 : 0;
    for (const head of [
      [0x81, bit | 126, 0, 2],
      [0x81, bit | 127, 0, 0, 0, 0, 0, 0, 0, 2],
    ]) {
      const { texts, faults } = await read(sender, Buffer.from([...head, ...mask, 0x61, 0x62]));
      expect([texts, faults]).toEqual([[], [expect.stringContaining("longer than it must be")]]);
    }
  });
}

test("Y6 the report about a server names its frame", async () => {
  const [near, far] = duplexPair();
  const welcome = JSON.stringify({
    ...{ type: "welcome", protocol: 1, user: "alice", device: "d", cursor: "c", time: 1_780_000_000_000 },
    ...{ heartbeatMs: 25_000, limits: { frameBytes: 65_536, textBytes: 16_384, sendWindow: 64 } },
  });
  const changes = JSON.stringify({ type: "changes", cursor: "c", more: false, changes: [] });
  near.write(Buffer.concat([frame("server", welcome), frame("server", changes)]));
  const upgraded = { status: 101, headers: new Map<string, string>(), body: "", stream: far, head: Buffer.alloc(0) };
  const connection = await createConnection(upgraded, { name: "alice", answerMs: deadline.answerMs });
  near.write(frame("client", "{}"));
  await connection.ended();
  expect(connection.faults()).toEqual(["the server sent a frame with a mask, from a server (RFC 6455 5.1)"]);
  near.destroy();
});
