import { describe, expect, test } from "bun:test";
import { createFrameCheck } from "../support/client.ts";
import { startServer } from "../support/server.ts";
import { describeProtocol } from "./protocol.contract.ts";

describeProtocol("Bun", startServer);

/** Negative controls: the strict client must detect a broken server, or the suite above proves nothing. */
describe("the strict client", () => {
  const idA = "01900000-0000-7000-8000-00000000000a";
  const idB = "01900000-0000-7000-8000-00000000000b";
  const time = 1_780_000_000_000;
  const limits = { frameBytes: 65_536, textBytes: 16_384, sendWindow: 64 };
  const welcome = {
    type: "welcome",
    protocol: 1,
    level: 1,
    user: "alice",
    tenant: "default",
    device: "d1",
    cursor: "e.0",
    time,
    history: "h1",
    heartbeatMs: 25_000,
    limits,
  };
  const message = (seq: number, fields: object = {}) => ({
    kind: "message",
    conversation: "c1",
    seq,
    id: `01900000-0000-7000-8000-${String(seq).padStart(12, "0")}`,
    from: "bob",
    to: "alice",
    text: "hi",
    time,
    ...fields,
  });
  const receipt = (delivered: number, read: number) => ({
    kind: "receipt",
    conversation: "c1",
    user: "bob",
    delivered,
    read,
  });
  const changes = (...list: object[]) => ({ type: "changes", cursor: "e.1", more: false, changes: list });
  const accepted = { type: "accepted", id: idA, conversation: "c1", seq: 2, time, duplicate: false };

  function faultsOf(frames: readonly unknown[], sent: readonly string[] = []): readonly string[] {
    const check = createFrameCheck();
    for (const id of sent) {
      check.expectFirst(id);
      check.expect({ to: "send", id });
    }
    for (const frame of frames) check.see(frame instanceof Uint8Array ? frame : JSON.stringify(frame));
    return check.faults;
  }

  test("P1 finds no fault in frames that the protocol allows", () => {
    const frames = [
      welcome,
      changes(message(1), receipt(0, 0)),
      accepted,
      changes(message(3), receipt(2, 1)),
      changes(),
    ];
    expect(faultsOf(frames, [idA])).toEqual([]);
    expect(faultsOf([welcome, { type: "reset", reason: "epoch", cursor: "e.0" }, changes()])).toEqual([]);
  });

  const { device: _, ...withoutDevice } = welcome;
  const planted: Readonly<Record<string, readonly [frames: readonly unknown[], sent?: readonly string[]]>> = {
    "P1 a frame before welcome": [[changes(), welcome]],
    "P1 a second welcome": [[welcome, welcome]],
    "P1 a missing field": [[withoutDevice]],
    "P1 an unknown field": [[{ ...welcome, realm: "acme" }]],
    "P1 a field of another type": [[{ ...welcome, time: String(time) }]],
    "P1 a time in seconds": [[{ ...welcome, time: 1_780_000_000 }]],
    "P1 an unknown frame": [[welcome, { type: "hello" }]],
    "P1 a binary frame": [[welcome, new Uint8Array(2)]],
    "P13 a reset in the middle": [[welcome, changes(), { type: "reset", reason: "epoch", cursor: "e.0" }]],
    "P16 an n on the wire": [[welcome, changes(message(1, { n: 1 }))]],
    "P16 a change of an unknown kind": [[welcome, changes({ kind: "edit", conversation: "c1" })]],
    "P16 a hole": [[welcome, changes(message(1), message(3))]],
    "P16 a hole across frames": [[welcome, changes(message(1)), changes(message(3))]],
    "P16 a message twice": [[welcome, changes(message(1)), changes(message(1))]],
    "P16 the wrong order": [[welcome, changes(message(2), message(1))]],
    "P16 a frame over the limit": [
      [welcome, changes(...[1, 2, 3, 4, 5].map((i) => message(i, { text: "x".repeat(16_000) })))],
    ],
    "O2 another id at a place": [[welcome, changes(message(1)), { ...accepted, seq: 1 }], [idA]],
    "T3 a message of others": [[welcome, changes(message(1, { from: "carol", to: "bob" }))]],
    "P25 a change that overtakes its accepted": [
      [welcome, changes(message(1, { id: idA, from: "alice", to: "bob" })), { ...accepted, seq: 1 }],
      [idA],
    ],
    "P26 answers in the wrong order": [
      [welcome, { ...accepted, id: idB }, accepted],
      [idA, idB],
    ],
    "P26 an answer to nothing": [[welcome, accepted]],
    "P26 a pong that nobody asked for": [[welcome, { type: "pong", id: "1" }]],
    "P26 an error that nothing caused": [[welcome, { type: "error", code: "bad_frame", message: "x" }]],
    "P19 an unknown code": [
      [welcome, { type: "rejected", id: idA, code: "nope", message: "x", retry: "never" }],
      [idA],
    ],
    "P19 later without a delay": [
      [welcome, { type: "rejected", id: idA, code: "unavailable", message: "x", retry: "later" }],
      [idA],
    ],
    "O9 a receipt that goes back": [[welcome, changes(receipt(2, 1), receipt(1, 1))]],
    "O9 read past delivered": [[welcome, changes(receipt(1, 2))]],
    "P31 one's own typing": [[welcome, { type: "typing", conversation: "c1", user: "alice", typing: true }]],
  };
  for (const [what, [frames, sent]] of Object.entries(planted)) {
    test(`control: ${what} is a fault`, () => expect(faultsOf(frames, sent)).not.toEqual([]));
  }
});
