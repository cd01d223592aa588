import { expect, test } from "bun:test";
import type { PushNotice, PushProvider, PushResult } from "../../src/push/provider.ts";
import { createRequest, type PushCut } from "../../src/push/request.ts";
import type { Due } from "../../src/store/push/due-store.ts";
import { fakeClock } from "../support/fake-clock.ts";

const due = {
  ...{ address: 3, hash: "h", tenant: "t", user: "bob", device: "phone", token: "tok", conversation: "c1" },
  ...{
    seq: 5,
    read: 4,
    shown: 6,
    unread: 2,
    isBlocked: false,
    message: { id: "m1", from: "alice", text: "", time: 7 },
  },
} as Due;
const content = {
  title: "Alice",
  body: "x".repeat(300),
  data: { a: "b" },
  options: { sound: "none" },
  badge: 2,
  ttlMs: 1_000,
};
const sent: PushResult = { type: "sent", answer: "ok" };

function start(send: (notice: PushNotice) => Promise<PushResult> | PushResult, more: Partial<PushProvider> = {}) {
  const clock = fakeClock(0, async () => {});
  const [notices, results, cuts, faults]: [PushNotice[], string[], PushCut[], unknown[]] = [[], [], [], []];
  const provider: PushProvider = {
    ...{ name: "sms", expects: "", parse: () => null, ...more },
    send: async (notice) => (notices.push(notice), await send(notice)),
  };
  const request = createRequest({
    ...{ provider, clock, limits: { pushAnswerMs: 100 }, historyName: () => "epoch1" },
    onResult: (result) => void results.push(result.type),
    onCut: (cut) => void cuts.push(cut),
    report: (fault) => void faults.push(fault),
  });
  return { clock, request, notices, results, cuts, faults };
}

test("U13 the key of a request is the same for a repeat, and differs with everything that makes it another request", async () => {
  const { request, notices } = start(() => sent);
  const changes: readonly Partial<Due>[] = [
    {},
    {},
    { seq: 6 },
    { address: 4 },
    { hash: "i" },
    { user: "eve" },
    { conversation: "c2" },
  ];
  for (const change of changes) await request({ ...due, ...change }, "message", content);
  await request({ ...due, message: due.message && { ...due.message, id: "m2" } }, "message", content);
  await request(due, "clear", content);
  const [first, repeat, ...others] = notices.map(({ key }) => key);
  expect(repeat).toBe(first);
  expect(new Set([first, ...others]).size).toBe(notices.length - 1);
  expect(
    notices.every(({ key }) => /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(key)),
  ).toBe(true);
});

test("U3 a conversation has one tag for everyone in it, and another in another tenant", async () => {
  const { request, notices } = start(() => sent);
  for (const change of [{}, { user: "eve", seq: 9 }, { conversation: "c2" }, { tenant: "u" }])
    await request({ ...due, ...change }, "message", content);
  const [one, same, ...others] = notices.map(({ tag }) => tag);
  expect([same, one?.length]).toEqual([one, 32]);
  expect(new Set([one, ...others]).size).toBe(3);
});

test("U2 U69 a removal names the seq up to which all is read, after a block the seq that is shown", async () => {
  const { request, notices } = start(() => sent);
  await request(due, "message", content);
  await request(due, "clear", content);
  await request({ ...due, isBlocked: true }, "clear", content);
  await request({ ...due, isBlocked: true, read: 9 }, "clear", content);
  expect(notices.map(({ seq }) => seq)).toEqual([5, 4, 6, 9]);
});

test("U24 a provider that refuses the whole is asked with less, at last without content, and the answer says so", async () => {
  const refuseWhile = (is: (notice: PushNotice) => boolean) =>
    start((notice) => (is(notice) ? { type: "unfit", answer: "too long" } : sent));
  const brief = refuseWhile(({ body }) => body.length > 200);
  expect(await brief.request(due, "message", content)).toEqual({ type: "sent", answer: "ok (cut to a line)" });
  expect(brief.cuts).toEqual([{ provider: "sms", how: "brief", answer: "too long" }]);
  const free = refuseWhile(({ title }) => title === "Alice");
  expect(await free.request(due, "message", content)).toEqual({ type: "sent", answer: "ok (without its content)" });
  expect(free.notices.map(({ title, data }) => [title, data])).toEqual([
    ["Alice", { a: "b" }],
    ["Alice", {}],
    ["New message", {}],
  ]);
  // Each way of cutting is reported once.
  await free.request(due, "message", content);
  expect(free.cuts.map(({ how }) => how)).toEqual(["brief", "content_free"]);
  // A line that was refused is not sent again as a line.
  const short = refuseWhile(({ title }) => title === "Alice");
  await short.request(due, "message", { ...content, body: "hi", data: {} });
  expect(short.notices.map(({ title }) => title)).toEqual(["Alice", "New message"]);
  const never = refuseWhile(() => true);
  expect(await never.request(due, "message", content)).toMatchObject({ type: "failed", answer: "too long" });
  expect(await never.request(due, "clear", content)).toMatchObject({ type: "failed" });
});

test("U24 a notice that does not fit is cut before it is sent; a `fits` that throws cuts nothing", async () => {
  const short = start(() => sent, { fits: ({ body }) => body.length <= 50 });
  expect(await short.request(due, "message", content)).toEqual({ type: "sent", answer: "ok (shortened)" });
  expect([short.notices[0]?.body.length, short.cuts]).toEqual([50, [{ provider: "sms", how: "shortened" }]]);
  const broken = start(() => sent, {
    fits: () => {
      throw new Error("broken");
    },
  });
  expect(await broken.request(due, "message", content)).toEqual(sent);
  expect([broken.notices[0]?.body.length, broken.faults.length > 0]).toEqual([300, true]);
});

test("U7 a provider that throws or does not answer is tried again, and the notice may have arrived", async () => {
  const throwing = start(() => {
    throw new Error("broken");
  });
  expect(await throwing.request(due, "message", content)).toMatchObject({ type: "retry", isUncertain: true });
  expect([throwing.faults.length, throwing.results]).toEqual([1, ["retry"]]);
  const silent = start(() => new Promise(() => {}));
  const asked = silent.request(due, "message", content);
  while (silent.notices.length === 0) await Bun.sleep(0);
  await silent.clock.advance(99);
  expect(silent.results).toEqual([]);
  await silent.clock.advance(1);
  expect(await asked).toMatchObject({ type: "retry", answer: "no answer in time", isUncertain: true });
});

test("U10 no more than 200 characters of an answer are kept", async () => {
  const long = start(() => ({ type: "sent", answer: "y".repeat(500) }));
  expect((await long.request(due, "message", content)).answer).toBe("y".repeat(200));
  const cut = start(() => ({ type: "sent", answer: "y".repeat(500) }), { fits: ({ body }) => body.length <= 50 });
  expect((await cut.request(due, "message", content)).answer).toBe(`${"y".repeat(188)} (shortened)`);
});
