import { randomUUID } from "node:crypto";
import { ensure, ensureSame } from "../check.ts";
import { encodeFrame, opcode } from "../wire/frame-codec.ts";
import type { ServerCase } from "./world.ts";

const section = "4";

/** Texts that are no frame of a client, with the id that the answer has. */
function badFrames(to: string): readonly (readonly [text: string, id?: string])[] {
  const id = randomUUID();
  const send = { type: "send", id, to, text: "hi" };
  return [
    ["not JSON"],
    ["[]"],
    ['{"type":"unheard-of"}'],
    ['{"type":"ping","id":"p","extra":1}'],
    ['{"type":"ack"}'],
    ['{"type":"read","conversation":"c","seq":"1"}'],
    [JSON.stringify({ ...send, extra: true }), id],
    [JSON.stringify({ ...send, conversation: "c" }), id],
    [JSON.stringify({ ...send, id: "no-uuid" })],
  ];
}

export const inputCases: readonly ServerCase[] = [
  {
    ...{ id: "S-38", section },
    title: "input that is no frame is answered error bad_frame, with the id of a send, and the connection stays",
    shows: "Otherwise the author of a client does not learn what is wrong.",
    async run({ alice, bob, device }) {
      const socket = await alice.connect({ device: device() });
      for (const [text, id] of badFrames(bob.name)) {
        socket.sendText(text);
        const answer = await socket.next("error");
        ensureSame([answer.code, answer.id], { expected: ["bad_frame", id], what: `the answer to ${text}` });
      }
      socket.sendBytes(encodeFrame(Buffer.from("{}"), { op: opcode.binary, isMasked: true }));
      ensureSame((await socket.next("error")).code, { expected: "bad_frame", what: "the answer to a binary frame" });
      await socket.settle();
    },
  },
  {
    ...{ id: "S-39", section },
    title: "after ten bad frames in a minute the next one closes with 4400",
    shows: "Otherwise a broken client costs the server its time.",
    async run({ alice, device }) {
      const socket = await alice.connect({ device: device() });
      for (let at = 0; at < 11; at++) socket.sendText("not JSON");
      const { code } = await socket.ended();
      ensureSame(code, { expected: 4400, what: "the close code" });
      const errors = socket.frames().filter(({ type }) => type === "error").length;
      ensure(errors >= 10, `only ${errors} bad frames were answered`);
    },
  },
  {
    ...{ id: "S-40", section: "6" },
    title: "a frame over the limit closes with 1009, and the longest one does not",
    shows: "Otherwise a client cannot rely on the limit that welcome names.",
    async run({ alice, device }) {
      const socket = await alice.connect({ device: device() });
      const bytes = socket.welcome.limits?.frameBytes ?? 0;
      socket.sendText('{"type":"ping","id":"long"}'.padEnd(bytes, " "));
      await socket.next("pong", ({ id }) => id === "long");
      socket.sendText('{"type":"ping","id":"over"}'.padEnd(bytes + 1, " "));
      ensureSame((await socket.ended()).code, { expected: 1009, what: "the close code" });
    },
  },
  {
    ...{ id: "S-41", section: "6" },
    title: "text that is not UTF-8 closes with 1007, and bytes that are no WebSocket frame with 1002",
    shows: "Otherwise damaged text is stored, or a broken client hangs.",
    async run({ alice, device }) {
      for (const [bytes, expected] of [
        [encodeFrame(Uint8Array.of(0xff, 0xfe), { op: opcode.text, isMasked: true }), 1007],
        [Uint8Array.of(0xf3, 0x80, 0, 0, 0, 0), 1002],
      ] as const) {
        const socket = await alice.connect({ device: device() });
        socket.sendBytes(bytes);
        ensureSame((await socket.ended()).code, { expected, what: "the close code" });
      }
    },
  },
  {
    ...{ id: "S-42", section: "3" },
    title: "a pong has the id of its ping, and comes after the answers to the sends before it",
    shows: "Otherwise a client cannot know what was handled.",
    async run({ alice, bob, device }) {
      const socket = await alice.connect({ device: device() });
      const id = randomUUID();
      socket.send({ type: "send", id, to: bob.name, text: "before the ping" });
      socket.send({ type: "ping", id: "p".repeat(128) });
      socket.send({ type: "ping" });
      await socket.next("pong", (frame) => frame.id === undefined);
      const order = socket.frames().flatMap((frame) => (["accepted", "pong"].includes(frame.type) ? [frame.id] : []));
      ensureSame(order, { expected: [id, "p".repeat(128), undefined], what: "the answers" });
      socket.send({ type: "ping", id: "p".repeat(129) });
      ensureSame((await socket.next("error")).code, { expected: "bad_frame", what: "an id of 129 characters" });
    },
  },
  {
    ...{ id: "S-43", section },
    title: "a read that moves nothing is not answered, and one of no conversation is not_found",
    shows: "Otherwise a client waits for an answer that does not come.",
    async run({ alice, bob, device }) {
      const [reader, sender] = [await alice.connect({ device: device() }), await bob.connect({ device: device() })];
      const { conversation, seq } = await sender.accepted({ to: alice.name }, "read twice");
      reader.send({ type: "read", conversation, seq });
      await reader.change("receipt", (one) => one.user === alice.name && one.read === seq);
      const before = reader.changes("receipt").length;
      reader.send({ type: "read", conversation, seq });
      await sender.accepted({ to: alice.name }, "after it");
      await reader.change("message", ({ text }) => text === "after it");
      ensureSame(reader.changes("receipt").length, { expected: before, what: "receipts" });
      reader.send({ type: "read", conversation: "no-such-conversation", seq: 1 });
      ensureSame((await reader.next("error")).code, { expected: "not_found", what: "the code" });
      ensure(reader.isOpen(), "the connection was closed");
    },
  },
];
