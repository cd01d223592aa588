import { expect, test } from "bun:test";
import { explainPush, type PushDecision } from "../../src/push/explain.ts";
import type { Explained, ExplainedDevice, LoggedDecision } from "../../src/store/push/push-log.ts";

const message = { n: 50, conversation: "c1", seq: 5, from: "alice", time: 7, read: 0 };
const device = (fields: Partial<ExplainedDevice> = {}): ExplainedDevice => ({
  ...{ device: "phone", address: 1, provider: "fcm", since: 10, acked: 0, ...fields },
});
const row = (fields: Partial<LoggedDecision> = {}): LoggedDecision => ({
  ...{ conversation: "c1", first: 5, seq: 5, address: 1, device: "phone", provider: "fcm", time: 100 },
  ...{ decision: "send", reason: "sent", until: null, attempts: 0, answer: null, clearedAt: null, ...fields },
});

async function explain(found: Partial<Explained>): Promise<readonly Partial<PushDecision>[]> {
  const explained = async () => ({ messages: [message], devices: [], log: [], isMore: false, ...found });
  const [one] = await explainPush({ explained }, { tenant: "t", user: "bob", id: "m1" });
  return (one?.decisions ?? []).map(({ meaning: _, ...decision }) => decision);
}

test("U10 a logged decision is shown with what is known of it, and nothing else", async () => {
  const shown = { device: "phone", provider: "fcm", decision: "send", reason: "sent", time: 100 } as const;
  expect(await explain({ log: [row()] })).toEqual([shown]);
  const full = row({ decision: "wait", reason: "retrying", until: 200, attempts: 3, answer: "503", clearedAt: 300 });
  expect(await explain({ log: [full] })).toEqual([
    { ...shown, decision: "wait", reason: "retrying", until: 200, attempts: 3, answer: "503", clearedAt: 300 },
  ]);
  // An address of the user for any device.
  expect(await explain({ log: [row({ device: "" })] })).toEqual([{ ...shown, device: undefined } as object]);
});

test("U10 a row of another release is shown as what it can only be", async () => {
  expect(await explain({ log: [row({ decision: "later", reason: "toString" })] })).toMatchObject([
    { decision: "drop", reason: "failed" },
  ]);
});

test("U3 U10 a message before the one that was sent is shown as collapsed into it", async () => {
  expect(await explain({ log: [row({ first: 3, seq: 8 })] })).toMatchObject([
    { decision: "send", reason: "collapsed", collapsedInto: 8 },
  ]);
  expect(await explain({ log: [row({ first: 3, seq: 8, decision: "wait", reason: "retrying" })] })).toMatchObject([
    { decision: "wait", reason: "retrying", collapsedInto: 8 },
  ]);
  const [dropped] = await explain({ log: [row({ first: 3, seq: 8, decision: "drop", reason: "read" })] });
  expect([dropped?.reason, dropped?.collapsedInto]).toEqual(["read", undefined]);
});

test("U10 only decisions on this message count, and of one address the last", async () => {
  const others = [row({ conversation: "c2" }), row({ first: 6, seq: 6 }), row({ first: 4, seq: 4 })];
  expect(await explain({ log: [...others, row({ decision: "wait" }), row({ time: 101 })] })).toMatchObject([
    { decision: "send", time: 101 },
  ]);
});

test("U10 without a decision it is the one of now, by the first reason that applies", async () => {
  const now = async (fields: Partial<ExplainedDevice>, read = 0) => {
    const [decision] = await explain({ devices: [device(fields)], messages: [{ ...message, read }] });
    return `${decision?.decision} ${decision?.reason}`;
  };
  expect(await now({})).toBe("wait unacked");
  expect(await now({ address: null, provider: null, since: null, acked: 50 })).toBe("drop no_devices");
  // Registered with, or after, the message.
  expect([await now({ since: 50, acked: 50 }), await now({ since: 49, acked: 50 })]).toEqual([
    "drop no_devices",
    "drop delivered",
  ]);
  expect([await now({ acked: 49 }, 5), await now({ acked: 50 }, 5), await now({}, 4)]).toEqual([
    "drop read",
    "drop delivered",
    "wait unacked",
  ]);
});

test("U27 an address with a decision, and a device without one of its addresses, are not listed twice", async () => {
  const devices = [device(), device({ address: 2, device: "tablet" }), device({ address: null, provider: null })];
  expect(await explain({ devices, log: [row()] })).toMatchObject([
    { device: "phone", time: 100 },
    { device: "tablet", reason: "unacked" },
  ]);
  // The number of an address that was deleted may belong to another one now.
  expect(await explain({ devices: [device({ device: "new" })], log: [row()] })).toHaveLength(2);
});

test("U27 each message with the id is explained, and says if there is more", async () => {
  const explained = async () => ({
    messages: [message, { ...message, from: "carol" }],
    devices: [],
    log: [],
    isMore: true,
  });
  const found = await explainPush({ explained }, { tenant: "t", user: "bob", id: "m1" });
  expect(found).toMatchObject([
    { id: "m1", from: "alice", conversation: "c1", seq: 5, time: 7, decisions: [], more: true },
    { from: "carol", more: true },
  ]);
});
