import { expect, test } from "bun:test";
import { defaultLimits } from "../../../src/protocol/limits.ts";
import { type Batch, writeSteps } from "../../../src/store/write/batch.ts";
import type { Send } from "../../../src/store/store.ts";

const nothing: Batch = { sends: [], devices: [], relations: [], seen: [], acks: [], reads: [], time: 99 };
const alice = { tenant: "t", user: "alice" };
const waiting = (fields: Partial<Send>) => ({
  send: { tenant: "t", from: "alice", id: "m1", text: "hi", ...fields } as Send,
  settle() {},
  key: "k",
  bytes: 2,
});

function steps(part: Partial<Batch>, isKnown: (pair: string) => boolean = () => false) {
  let key = 100;
  const all = writeSteps({ ...nothing, ...part }, { newKey: () => key++, limits: defaultLimits, isKnown });
  const rowsOf = (name: string): unknown =>
    JSON.parse(String(all.find((step) => step.name === name)?.statement.args?.[0] ?? "null"));
  return {
    names: all.map(({ name }) => name).join(" "),
    rowsOf,
    argsOf: (name: string) => all.find((step) => step.name === name)?.statement.args,
  };
}
const call = { resolve() {}, reject() {} };

test("D30 a commit begins and ends with the head, and has the statements of what is in it alone", () => {
  expect(steps({}).names).toBe("before after");
  expect(steps({ seen: [{ ...alice, time: 7 }] }).names).toBe("before seen after");
  expect(steps({ reads: [{ ...alice, conversation: 7, seq: 3 }] }).names).toBe(
    "before read head group read head after",
  );
});

test("S1 each pair of users has one conversation, whoever writes first, and its members are made", () => {
  const { names, rowsOf } = steps({
    sends: [
      waiting({ to: "bob" }),
      waiting({ from: "bob", to: "alice", id: "m2" }),
      waiting({ to: "carol", id: "m3" }),
    ],
  });
  expect(names).toBe("before users conversations members messages answers advance head after");
  expect(rowsOf("conversations")).toEqual([
    ["t", "alice", "bob", 100],
    ["t", "alice", "carol", 101],
  ]);
  expect(rowsOf("users")).toEqual([
    ["t", "alice"],
    ["t", "bob"],
    ["t", "carol"],
  ]);
  expect(rowsOf("messages")).toMatchObject([
    ["t", "alice", "bob", null, "m1", "hi"],
    ["t", "bob", "alice", null, "m2", "hi"],
    ["t", "alice", "carol", null, "m3", "hi"],
  ]);
});

test("S48 nothing is written for a pair of users that is known", () => {
  const sends = [waiting({ to: "bob" }), waiting({ to: "carol", id: "m2" })];
  const { names, rowsOf } = steps({ sends }, (pair) => pair === "t alice bob");
  expect(names).toBe("before users conversations members messages advance head after");
  expect(rowsOf("conversations")).toEqual([["t", "alice", "carol", 100]]);
  expect(steps({ sends }, () => true).names).toBe("before messages advance head after");
});

test("S3 a send into a conversation makes none, and an id that is none has no key", () => {
  const { names, rowsOf } = steps({ sends: [waiting({ conversation: "nonsense" })] });
  expect([names, rowsOf("messages")]).toEqual([
    "before messages advance head after",
    [["t", "alice", null, -1, "m1", "hi"]],
  ]);
});

test("A31 a send that is refused is not written", () => {
  expect(steps({ sends: [waiting({ to: "bob", refusal: "rate_limited" })] }).names).toBe("before after");
});

test("S30 messages are linked as answers only where two people of one conversation may have written", () => {
  const isLinked = (...sends: Partial<Send>[]) => steps({ sends: sends.map(waiting) }).names.includes("answers");
  expect([isLinked({ to: "bob" }), isLinked({ to: "bob" }, { to: "carol" })]).toEqual([false, false]);
  expect([
    isLinked({ to: "bob" }, { from: "bob", to: "carol" }),
    isLinked({ conversation: "c7" }, { conversation: "c7", from: "bob" }),
  ]).toEqual([true, true]);
  expect([
    isLinked({ conversation: "c7" }, { conversation: "c7" }),
    isLinked({ conversation: "c7" }, { conversation: "c8", from: "bob" }),
  ]).toEqual([false, false]);
  // A user of that name in another tenant.
  expect(isLinked({ to: "bob" }, { tenant: "u", from: "bob", to: "carol" })).toBe(false);
});

test("B1 B5 a contact or a block makes its users; to remove one makes none, and the end of a block sends marks again", () => {
  const relate = (fields: object) =>
    steps({ relations: [{ ...call, identity: alice, said: [{ other: "bob", ...fields }], present: 0 }] });
  expect(relate({ contact: true }).names).toBe("before users relations refused head after");
  expect([relate({ contact: false }).names, relate({ blocked: false }).names]).toEqual([
    "before relations head after",
    "before relations revealed head after",
  ]);
  expect(relate({ blocked: true }).rowsOf("relations")).toEqual([["t", "alice", "bob", null, true]]);
});

test("S41 S32 a device has its position and level, and devices beyond the bound of its user are forgotten", () => {
  const { names, rowsOf } = steps({
    devices: [
      { ...call, identity: alice, device: "phone", after: 7, level: 2 },
      { ...call, identity: alice, device: "tablet" },
    ],
  });
  expect(names).toMatch(/^before users devices (forgotten )+after$/);
  expect(rowsOf("devices")).toEqual([
    ["t", "alice", "phone", 7, 2],
    ["t", "alice", "tablet", null, 1],
  ]);
});

test("S31 the acks of a commit share its messages in equal parts for their users, each at least one", () => {
  const ack = (user: string, device = "phone") => ({ tenant: "t", user, device, n: 9 });
  const part = (acks: ReturnType<typeof ack>[]) => steps({ acks }).argsOf("delivered")?.[1];
  const most = defaultLimits.ackMessagesMax;
  expect([part([ack("a"), ack("a", "tablet")]), part([ack("a"), ack("b"), ack("c")])]).toEqual([
    most,
    Math.floor(most / 3),
  ]);
  expect(part(Array.from({ length: most + 1 }, (_, i) => ack(`u${i}`)))).toBe(1);
  expect(steps({ acks: [ack("a")] }).names).toBe("before delivered head group delivered head acked seen after");
  expect(steps({ acks: [{ ...ack("a"), level: 2 }] }).names).toBe("before delivered head acked seen after");
});
