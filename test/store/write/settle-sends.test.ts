import { expect, test } from "bun:test";
import { decodeConversation } from "../../../src/protocol/conversation-id.ts";
import type { Row, Statement } from "../../../src/store/engine/engine.ts";
import type { Outcome, Send } from "../../../src/store/store.ts";
import { hashOfSend } from "../../../src/store/write/send-hash.ts";
import { settleSends } from "../../../src/store/write/settle-sends.ts";

const send = (fields: Partial<Send> = {}): Send => ({
  tenant: "t",
  from: "alice",
  to: "bob",
  id: "m1",
  text: "hi",
  ...fields,
});
const key = 7;
const row = (fields: Row = {}): Row => ({
  ...{
    n: 50,
    conversation: key,
    wanted: key,
    seq: 3,
    recipient: "bob",
    time: 1,
    text: "hi",
    mentions: null,
    hash: null,
    i: 0,
    ...fields,
  },
});

type SettleInput = { inserted?: Row[]; found?: Row[]; own?: number[]; forget?: (pair: string) => void };

/** The outcomes of some sends. `found`: the rows of their ids; `own`: the indexes of those into a conversation of their sender. */
async function settle(sends: readonly Send[], { inserted = [], found = [], own = [], forget = () => {} }: SettleInput) {
  const asked: Statement[][] = [];
  const engine = {
    write: async (statements: readonly Statement[]) => (asked.push([...statements]), [found, own.map((i) => ({ i }))]),
  };
  const waiting = sends.map((one, i) => ({ send: one, settle() {}, key: String(i), bytes: 2 }));
  const batch = { sends: waiting, devices: [], relations: [], seen: [], acks: [], reads: [], time: 99 };
  const { outcomes, entries } = await settleSends({ engine, pairs: { forget } }, { batch, inserted });
  const short = outcomes.map(({ outcome }) =>
    outcome.type === "refused" ? outcome.code : `${outcome.n} ${outcome.duplicate ? "again" : "new"}`,
  );
  return { short, outcomes: outcomes.map(({ outcome }): Outcome => outcome), entries, asked };
}

test("S1 where every send was new the rows are the sends in their order, and nothing is asked", async () => {
  const { outcomes, entries, asked } = await settle([send(), send({ id: "m2", text: "ho" })], {
    inserted: [row({ n: 52, seq: 4 }), row({ n: 51 })],
  });
  expect(outcomes).toMatchObject([
    { type: "accepted", n: 51, seq: 3, time: 99, duplicate: false },
    { n: 52, seq: 4 },
  ]);
  expect(
    entries.map(({ users, change }) => [users, change.id, change.text, decodeConversation(change.conversation)]),
  ).toEqual([
    [["alice", "bob"], "m1", "hi", key],
    [["alice", "bob"], "m2", "ho", key],
  ]);
  expect(asked).toEqual([]);
});

test("S2 F1 a retry gets its first answer, and its commit announces the new send beside it alone", async () => {
  const { short, outcomes, entries } = await settle([send(), send({ id: "m2" })], {
    inserted: [row({ n: 51, i: 1 })],
    found: [row({ n: 9, time: 5 }), row({ n: 51, i: 1 })],
  });
  expect([short, outcomes[0]]).toMatchObject([["9 again", "51 new"], { time: 5 }]);
  expect(entries.map(({ change }) => change.n)).toEqual([51]);
});

test("S2 other content, or another conversation, under the id is a conflict", async () => {
  const of = async (fields: Row) => (await settle([send()], { found: [row(fields)] })).short[0];
  expect([await of({}), await of({ text: "ho" }), await of({ wanted: 8 }), await of({ wanted: null })]).toEqual([
    "50 again",
    "conflict",
    "conflict",
    "conflict",
  ]);
});

test("S42 a message whose text has changed is compared by the hash of its send", async () => {
  const of = async (hash: string) => (await settle([send()], { found: [row({ text: "changed", hash })] })).short[0];
  expect([
    await of(await hashOfSend({ conversation: key, text: "hi" })),
    await of(await hashOfSend({ conversation: key, text: "ho" })),
  ]).toEqual(["50 again", "conflict"]);
});

test("B2 S3 a send that was left out is blocked, not found, or refused as it was given", async () => {
  const into = { to: undefined, conversation: "c7" } as unknown as Partial<Send>;
  const { short } = await settle(
    [send(), send({ ...into, id: "m2" }), send({ ...into, id: "m3" }), send({ id: "m4", refusal: "rate_limited" })],
    { own: [0, 1] },
  );
  expect(short).toEqual(["blocked", "blocked", "not_found", "rate_limited"]);
  // A retry of a stored message gets its answer, whatever refuses it now.
  expect((await settle([send({ refusal: "forbidden" })], { found: [row()] })).short).toEqual(["50 again"]);
});

test("S48 a send to a user is not called blocked where their conversation is missing, and the pair is forgotten", async () => {
  const forgotten: string[] = [];
  await expect(settle([send()], { forget: (pair) => void forgotten.push(pair) })).rejects.toThrow("went back");
  expect(forgotten).toEqual(["t alice bob"]);
});
