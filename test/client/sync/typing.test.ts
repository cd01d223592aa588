import { expect, test } from "bun:test";
import type { ClientFrame } from "../../../src/protocol/frame.ts";
import { createPresence } from "../../../src/client/sync/presence.ts";
import { createTyping } from "../../../src/client/sync/typing.ts";
import { fakeClock } from "../../support/fake-clock.ts";

function setup() {
  const clock = fakeClock();
  const sent: ClientFrame[] = [];
  let isUp = true;
  const link = {
    send(frame: ClientFrame) {
      if (isUp) sent.push(frame);
      return isUp;
    },
  };
  const onFault = (fault: unknown): void => {
    throw fault;
  };
  const setUp = (up: boolean): void => void (isUp = up);
  return {
    clock,
    sent,
    setUp,
    typing: createTyping({ clock, link, onFault }),
    presence: createPresence({ clock, link, onFault }),
  };
}

const bob = { with: "bob" } as const;

test("J14 keystrokes of ten seconds send a frame every three, and one when they end", async () => {
  const { clock, sent, typing } = setup();
  for (let ms = 0; ms < 10_000; ms += 200) {
    typing.type(bob, true);
    await clock.advance(200);
  }
  expect(sent).toEqual(Array.from({ length: 4 }, () => ({ type: "typing", to: "bob", typing: true })));
  await clock.advance(5_000);
  expect(sent.at(-1)).toEqual({ type: "typing", to: "bob", typing: false });
  await clock.advance(60_000);
  expect(sent).toHaveLength(5);
});

test("J14 a message ends typing without a frame", async () => {
  const { clock, sent, typing } = setup();
  typing.type(bob, true);
  typing.sent(bob);
  await clock.advance(60_000);
  expect(sent).toHaveLength(1);
});

test("J14 without a connection nothing is kept for later", async () => {
  const { clock, sent, setUp, typing } = setup();
  setUp(false);
  typing.type(bob, true);
  setUp(true);
  await clock.advance(60_000);
  expect(sent).toEqual([]);
});

test("J14 a typist is shown for five seconds after the last frame, until they stop, or until their message", async () => {
  const { clock, typing } = setup();
  const typists = typing.typists(() => "c1");
  typists.subscribe(() => {});
  const frame = (user: string, isTyping: boolean) =>
    typing.take({ type: "typing", conversation: "c1", user, typing: isTyping });
  frame("bob", true);
  frame("anna", true);
  typing.take({ type: "typing", conversation: "c2", user: "carol", typing: true });
  expect(typists.get()).toEqual(["anna", "bob"]);
  await clock.advance(4_000);
  frame("bob", true);
  await clock.advance(1_500);
  expect(typists.get()).toEqual(["bob"]);
  typing.spoke("c1", "bob");
  expect(typists.get()).toEqual([]);
  frame("bob", true);
  frame("bob", false);
  expect(typists.get()).toEqual([]);
});

test("J15 views that come together are asked for in one frame, fifty at most, and again on the next connection", async () => {
  const { clock, sent, presence } = setup();
  const ends = Array.from({ length: 60 }, (_, i) => presence.of(`user${i}`).subscribe(() => {}));
  presence.begin();
  await clock.advance(200);
  expect(sent).toHaveLength(1);
  const [frame] = sent;
  expect(frame?.type === "watch" && frame.users).toHaveLength(50);
  expect(frame?.type === "watch" && frame.users.includes("user59")).toBe(true);
  for (const end of ends) end();
  await clock.advance(200);
  expect(sent.at(-1)).toEqual({ type: "watch", users: [] });
  presence.of("bob").subscribe(() => {});
  await clock.advance(200);
  presence.end();
  presence.begin();
  await clock.advance(200);
  expect(sent.slice(-2)).toEqual([
    { type: "watch", users: ["bob"] },
    { type: "watch", users: ["bob"] },
  ]);
});

test("J15 presence is unknown until it comes, and again without a connection", async () => {
  const { clock, presence } = setup();
  const shown = presence.of("bob");
  shown.subscribe(() => {});
  presence.begin();
  await clock.advance(200);
  expect(shown.get()).toEqual({ state: "unknown" });
  presence.take({ type: "presence", user: "bob", state: "offline", lastSeen: 5 });
  expect(shown.get()).toEqual({ state: "offline", lastSeen: 5 });
  presence.take({ type: "presence", user: "bob", state: "online" });
  expect(shown.get()).toEqual({ state: "online" });
  presence.end();
  expect(shown.get()).toEqual({ state: "unknown" });
});

test("J15 every readable of one user gets each change, also one that is subscribed later", async () => {
  const { clock, presence } = setup();
  const [one, two, later] = [presence.of("bob"), presence.of("bob"), presence.of("bob")];
  const ends = [one.subscribe(() => {}), two.subscribe(() => {})];
  presence.begin();
  await clock.advance(200);
  presence.take({ type: "presence", user: "bob", state: "online" });
  later.subscribe(() => {});
  expect([one.get().state, two.get().state, later.get().state]).toEqual(["online", "online", "online"]);
  for (const end of ends) end();
  presence.take({ type: "presence", user: "bob", state: "offline" });
  expect(later.get().state).toBe("offline");
});
