import { describe, expect, test } from "bun:test";
import type { ClientFrame } from "../../../src/protocol/frame.ts";
import { type Asked, fakeLink } from "./fake-environment.ts";
import { welcomeOf } from "./steps.ts";

const changes = (cursor: string, texts: readonly string[] = []) => ({
  ...{ type: "changes", cursor, more: false },
  changes: texts.map((text) => ({ kind: "message", text })),
});
const send = (id: string): ClientFrame => ({ type: "send", id, to: "bob", text: "hi" });
const placed = (id: string) => ({ id, conversation: "c7", seq: 1, time: 1, duplicate: false });

/** A link that polls, after its first answer. */
async function polling(first: readonly object[] = [changes("c0")]) {
  const fake = fakeLink();
  await fake.toPolling();
  const to = (path: string): readonly Asked[] => fake.requests.filter((request) => request.path === `/chat${path}`);
  const poll = (): Asked => {
    const asked = to("/changes").at(-1);
    if (asked === undefined) throw new Error("It does not poll");
    return asked;
  };
  const cursorOf = (frames: readonly object[]): string => String((frames.at(-1) as { cursor?: string }).cursor ?? "c0");
  /** Answers the request that waits, and lets the pause before the next one pass. */
  async function say(...frames: readonly object[]): Promise<void> {
    await poll().answer(200, { cursor: cursorOf(frames), frames: [welcomeOf(), ...frames] });
    await fake.clock.advance(200);
  }
  const types = (): string[] => fake.frames.map(({ type }) => type);
  expect(poll().query).toEqual({ device: "d1", level: "1", wait: "0", cursor: "c0" });
  await say(...first);
  return { ...fake, to, poll, say, types };
}

describe("a network that blocks sockets", () => {
  test("J26 gets the same frames by HTTP, and one welcome", async () => {
    const { link, calls, types, poll, to, say } = await polling();
    link.caughtUp();
    expect(calls.slice(-3)).toEqual(["welcome", "catching-up", "online polling"]);
    expect(types()).toEqual(["changes"]);
    expect(poll().query).toMatchObject({ wait: "8", cursor: "c0" });
    await say({ type: "typing", conversation: "c7", user: "bob", typing: true });
    expect(types()).toEqual(["changes", "typing"]);
    expect(to("/changes")).toHaveLength(3);
    expect(calls.filter((call) => call === "welcome")).toHaveLength(1);
  });

  test("J26 nothing is asked behind a cursor that is not stored, for the request would ack it", async () => {
    const { link, to, poll, clock, say } = await polling([changes("c1", ["one"]), changes("c2", ["two"])]);
    await clock.advance(60_000);
    expect(to("/changes")).toHaveLength(1);
    link.send({ type: "ack", cursor: "c1" });
    await clock.advance(1_000);
    expect(to("/changes")).toHaveLength(1);
    expect(to("/ack").map(({ body }) => body)).toEqual([{ device: "d1", cursor: "c1" }]);
    link.send({ type: "ack", cursor: "c2" });
    await clock.advance(0);
    expect(to("/changes")).toHaveLength(2);
    expect(poll().query).toMatchObject({ cursor: "c2", wait: "8" });
    // A cursor with nothing to store needs no ack.
    await say(changes("c3"));
    expect(poll().query).toMatchObject({ cursor: "c3" });
    await say({ type: "reset", reason: "epoch", cursor: "c9" });
    expect(poll().query).toMatchObject({ cursor: "c3" });
  });

  test("J26 a frame that is acked at once is not asked for twice", async () => {
    const fake = fakeLink({
      onFrame: (frame) => {
        if (frame.type === "changes") fake.link.send({ type: "ack", cursor: frame.cursor });
      },
    });
    await fake.toPolling();
    await fake.request().answer(200, { cursor: "c1", frames: [welcomeOf(), changes("c1", ["one"])] });
    await fake.clock.advance(1_000);
    const polls = fake.requests.filter(({ path }) => path === "/chat/changes");
    expect(polls.map(({ query }) => query["cursor"])).toEqual(["c0", "c1"]);
  });

  test("J26 a server, or a cache, that answers at once is asked five times a second at most", async () => {
    const { to, poll, clock } = await polling();
    const before = to("/changes").length;
    for (let i = 0; i < 20; i++) {
      await poll().answer(200, { cursor: "c0", frames: [changes("c0")] });
      await clock.advance(50);
    }
    expect(to("/changes").length - before).toBe(5);
  });

  test("J26 a probe is answered by the server at once, also while it waits for an ack", async () => {
    for (const first of [[changes("c0")], [changes("c1", ["one"])]]) {
      const { link, to, poll, clock, calls, types } = await polling(first);
      const before = to("/changes").length;
      link.probe();
      await clock.advance(0);
      expect(to("/changes")).toHaveLength(before + 1);
      expect(poll().query).toMatchObject({ wait: "0", cursor: "c0" });
      await clock.advance(2_000);
      await poll().answer(200, { cursor: "c1", frames: [welcomeOf(), ...first] });
      await clock.advance(3_000);
      expect(calls.at(-1)).toBe("catching-up");
      expect(types()).toEqual(["changes", ...(first[0]?.changes.length === 0 ? ["changes"] : [])]);
      link.probe();
      await clock.advance(3_000);
      expect(calls.at(-2)).toBe("down");
    }
  });

  test("J26 sends leave one by one, in their order, and come back as on a socket", async () => {
    const { link, to, frames } = await polling();
    for (const id of ["a", "b", "c"]) expect(link.send(send(id))).toBe(true);
    link.send({ type: "read", conversation: "c/7", seq: 3 });
    await Promise.resolve();
    for (const [index, id] of ["a", "b", "c"].entries()) {
      expect(to("/messages")).toHaveLength(index + 1);
      const asked = to("/messages").at(-1);
      expect(asked?.body).toEqual({ id, to: "bob", text: "hi" });
      if (id === "b") await asked?.answer(409, { code: "conflict", detail: "other text" });
      else await asked?.answer(201, placed(id));
    }
    expect(frames.slice(1)).toEqual([
      { type: "accepted", ...placed("a") },
      { type: "rejected", id: "b", code: "conflict", message: "other text", retry: "never" },
      { type: "accepted", ...placed("c") },
    ] as never);
    expect(to("/conversations/c%2F7/read").map(({ body }) => body)).toEqual([{ seq: 3 }]);
  });

  test("J26 after a send that may succeed later, those behind it are refused too", async () => {
    const { link, to, frames } = await polling();
    for (const id of ["a", "b"]) link.send(send(id));
    link.send({ type: "read", conversation: "c7", seq: 3 });
    await Promise.resolve();
    await to("/messages")[0]?.answer(429, { code: "rate_limited", detail: "" }, { "retry-after": "2" });
    const refused = { type: "rejected", code: "rate_limited", message: "", retry: "later", retryAfterMs: 2_000 };
    expect(frames.slice(1)).toEqual(["a", "b"].map((id) => ({ ...refused, id })) as never);
    expect(to("/messages")).toHaveLength(1);
    expect(to("/conversations/c7/read")).toHaveLength(1);
  });

  test("J26 a send without an answer ends the connection, so that all are sent again in their order", async () => {
    const { link, to, frames, calls } = await polling();
    for (const id of ["a", "b"]) link.send(send(id));
    await Promise.resolve();
    await to("/messages")[0]?.fail();
    expect(frames).toHaveLength(1);
    expect(to("/messages")).toHaveLength(1);
    expect(calls.slice(-2)).toEqual(["down", "waiting network"]);
  });

  test("J26 `watch` is a parameter, and typing is dropped", async () => {
    const { link, poll, clock, to, requests } = await polling();
    await clock.advance(200);
    const before = to("/changes").length;
    link.send({ type: "watch", users: ["bob", "carol"] });
    await clock.advance(0);
    expect(to("/changes")).toHaveLength(before + 1);
    expect(poll().query).toMatchObject({ watch: "bob,carol" });
    const all = requests.length;
    link.send({ type: "typing", to: "bob", typing: true });
    link.send({ type: "watch", users: [] });
    await clock.advance(0);
    expect(requests).toHaveLength(all + 1);
    expect("watch" in poll().query).toBe(false);
  });

  test("J22 401 leads to fresh credentials, 429 to the time that the server named", async () => {
    const { poll, calls, clock, to } = await polling();
    await poll().answer(429, { code: "too_many_connections", detail: "" }, { "retry-after": "3" });
    expect(calls.at(-1)).toBe("waiting busy");
    await clock.advance(3_000);
    await clock.advance(0);
    const before = to("/changes").length;
    await poll().answer(401, { code: "unauthenticated", detail: "" });
    await clock.advance(0);
    expect(to("/changes")).toHaveLength(before + 1);
  });

  test("J26 an answer that is no answer of ours ends the connection", async () => {
    for (const body of ["<html>", {}, { cursor: 1, frames: [] }, { cursor: "c1", frames: {} }, null]) {
      const { poll, calls } = await polling();
      await poll().answer(200, body);
      expect(calls.at(-1)).toBe(body === "<html>" ? "waiting foreign" : "waiting network");
    }
  });

  test("J26 after it has ended it asks nothing more", async () => {
    const { link, poll, clock, requests, frames } = await polling();
    link.send(send("a"));
    link.send(send("b"));
    const waiting = poll();
    await Promise.resolve();
    link.stop();
    const before = requests.length;
    expect(requests.every((request) => request.isAborted() || request.path !== "/chat/messages")).toBe(true);
    await waiting.answer(200, { cursor: "c1", frames: [changes("c1", ["one"])] });
    await clock.advance(60_000);
    expect(requests).toHaveLength(before);
    expect(frames).toHaveLength(1);
  });
});
