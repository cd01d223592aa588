import { expect, test } from "bun:test";
import { postAck, postRead } from "../../../src/http/route/marks.ts";
import { systemRandom } from "../../../src/internal/random.ts";
import { createCursors } from "../../../src/protocol/cursor.ts";
import { callOf, outcomeOf } from "./call.ts";

const options = { secret: "0123456789abcdef".repeat(4), epoch: "abcdefgh", random: systemRandom };
const cursors = createCursors(options);
const id = "0198abcd-0000-7000-8000-00000000000f";

/** A store with a log up to 50. */
function start(isStored = true) {
  const calls: unknown[] = [];
  const note =
    (name: string) =>
    (...args: unknown[]) => {
      const settle = args.pop() as (isStored: boolean) => void;
      calls.push([name, ...args.slice(1)]);
      settle(isStored);
    };
  const store = {
    ...{ cursors, ack: note("ack"), ackList: note("ackList"), read: note("read") },
    openDevice: async (_session: unknown, device: string, known: unknown) => (
      calls.push(["open", device, known]),
      { head: { epoch: "e", n: 50 } }
    ),
    members: async (_tenant: string, conversation: string) => (conversation === "c1" ? ["alice", "bob"] : null),
    messageAt: async () => id,
    groups: { view: async () => null },
  };
  return {
    calls,
    ack: (body: object) => outcomeOf(postAck.handle(callOf({ body, store }))),
    read: (body: object, conversation = "c1") =>
      outcomeOf(postRead.handle(callOf({ body, store, fields: { id: conversation } }))),
  };
}

test("Q9 an ack opens its device, and counts as the head where it is beyond", async () => {
  const { calls, ack } = start();
  expect([
    await ack({ cursor: cursors.encode({ n: 7, level: 2 }) }),
    await ack({ device: "phone", cursor: cursors.encode({ n: 70 }) }),
  ]).toEqual([204, 204]);
  expect(calls).toEqual([
    ["open", "default", { after: 7, level: 2 }],
    ["ack", "default", { n: 7, level: 2 }],
    ["open", "phone", { after: 70, level: undefined }],
    ["ack", "phone", { n: 50 }],
  ]);
});

test("S45 a cursor of the undelivered list confirms the list", async () => {
  const { calls, ack } = start();
  await ack({ cursor: cursors.encode({ n: 7, isList: true }) });
  expect(calls.at(-1)).toEqual(["ackList", "default", { n: 7, isList: true }]);
});

test("P30 P3 a cursor of another history is ignored, a text that is none is refused", async () => {
  const { calls, ack } = start();
  expect(await ack({ cursor: createCursors({ ...options, epoch: "other" }).encode({ n: 7 }) })).toBe(204);
  expect(calls).toEqual([["open", "default", { after: undefined, level: undefined }]]);
  expect([
    await ack({ cursor: "x" }),
    await ack({}),
    await ack({ cursor: "x", more: 1 }),
    await ack({ device: "a b", cursor: cursors.encode({ n: 7 }) }),
  ]).toEqual(Array(4).fill("bad_request"));
});

test("D3 Q7 a mark that the store did not confirm is unavailable", async () => {
  const { ack, read } = start(false);
  expect([await ack({ cursor: cursors.encode({ n: 7 }) }), await read({ seq: 3 })]).toEqual([
    "unavailable",
    "unavailable",
  ]);
});

test("P28 a read marks a conversation of its user, and nothing where another message has its seq", async () => {
  const { calls, read } = start();
  expect([
    await read({ seq: 3 }),
    await read({ seq: 3, id }),
    await read({ seq: 3, id: id.replace("f", "e").replace(/.$/, "1") }),
  ]).toEqual([204, 204, 204]);
  expect(calls).toEqual([
    ["read", "c1", 3],
    ["read", "c1", 3],
  ]);
  expect([await read({ seq: 3 }, "c9"), await read({ seq: -1 }), await read({})]).toEqual([
    "not_found",
    "bad_request",
    "bad_request",
  ]);
});
