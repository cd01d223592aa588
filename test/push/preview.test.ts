import { expect, test } from "bun:test";
import { contentFree } from "../../src/push/fit.ts";
import { createPreview, type OnPush } from "../../src/push/preview.ts";
import type { Due } from "../../src/store/push/due-store.ts";
import { fakeClock, passes } from "../support/fake-clock.ts";

const message = { id: "m1", from: "alice", text: "secret text", time: 7 };
const due = {
  tenant: "t",
  user: "bob",
  device: "phone",
  provider: "fcm",
  conversation: "c1",
  seq: 5,
  unread: 2,
  message,
} as Due;

function start(onPush?: OnPush, of = due) {
  const [clock, faults] = [fakeClock(0, async () => {}), [] as unknown[]];
  const preview = createPreview({ onPush, clock, answerMs: 100, report: (fault) => void faults.push(fault) });
  return { clock, faults, shown: preview(of, 3) };
}

test("U4 without a host's rule, and of a message that was deleted, nothing is shown", async () => {
  expect(await start().shown).toEqual(contentFree);
  let isAsked = false;
  const rule: OnPush = (draft) => ((isAsked = true), draft);
  expect([await start(rule, { ...due, message: null }).shown, isAsked]).toEqual([contentFree, false]);
});

test("U4 the host sees the draft and the message, and its text, data and options are sent", async () => {
  let seen: unknown;
  const { shown, faults } = start((draft) => {
    seen = draft;
    return { ...draft, title: draft.message.from, body: "hi", data: { a: "b" }, options: { sound: "none" } };
  });
  expect(await shown).toEqual({ title: "alice", body: "hi", data: { a: "b" }, options: { sound: "none" } });
  const { message: _, ...named } = due;
  expect(seen).toMatchObject({ ...named, badge: 3, ...contentFree, message });
  expect(faults).toEqual([]);
});

test("U4 null refuses the notification", async () => {
  expect(await start(async () => null).shown).toBeNull();
});

test("U4 U70 a host that throws, answers no draft, or is late changes nothing, and its text is not repeated", async () => {
  const wrong: readonly (readonly [OnPush, string])[] = [
    [
      () => {
        throw new Error("broken");
      },
      "broken",
    ],
    [() => undefined as never, "onPush answered no draft"],
    [(draft) => ({ ...draft, body: 7 as never }), ": body is unknown"],
    [(draft) => ({ ...draft, data: { a: 7 as never } }), ": data.a is unknown"],
    [(draft) => ({ ...draft, options: { volume: 7 } as never }), ": options.volume is unknown"],
  ];
  for (const [onPush, text] of wrong) {
    const { shown, faults } = start(onPush);
    expect(await shown).toEqual(contentFree);
    expect(faults).toHaveLength(1);
    expect(String(faults[0])).toContain(text);
    expect(String(faults[0])).not.toContain("secret");
  }
  const late = start(() => new Promise(() => {}));
  await passes(late.clock, late.shown);
  expect([await late.shown, late.faults.length]).toEqual([contentFree, 1]);
});
