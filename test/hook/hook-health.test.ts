import { describe, expect, test } from "bun:test";
import { createHookHealth, type HookHealthChange } from "../../src/hook/hook-health.ts";
import { fakeClock } from "../support/fake-clock.ts";

const failure = { hook: "mail", error: new Error("away"), tenant: "default", messageId: "1" };

function note() {
  const clock = fakeClock();
  const changes: HookHealthChange[] = [];
  const health = createHookHealth({ clock, onChange: (change) => changes.push(change) });
  return { clock, changes, health, types: () => changes.map(({ type }) => type) };
}

describe("the health of a hook", () => {
  test("K70 a lasting failure is reported once, and its end with the number of failures", async () => {
    const { clock, changes, health } = note();
    const follower = {};
    for (let i = 0; i < 10; i++) {
      health.failed(follower, failure);
      await clock.advance(61_000);
    }
    expect(changes).toEqual([{ type: "failing", ...failure }]);
    for (let i = 0; i < 3; i++) health.succeeded(follower, "mail");
    expect(changes.slice(1)).toEqual([{ type: "well", hook: "mail", failures: 10 }]);
  });

  test("K70 a hook that fails in two databases works again once it does in both, or one of them is closed", async () => {
    const { clock, health, types } = note();
    const [one, other] = [{}, {}];
    for (const follower of [one, other]) health.failed(follower, failure);
    health.succeeded(one, "mail");
    expect(types()).toEqual(["failing"]);
    health.succeeded(other, "mail");
    expect(types()).toEqual(["failing", "well"]);
    await clock.advance(61_000);
    for (const follower of [one, other]) health.failed(follower, failure);
    health.left(one, "mail");
    health.succeeded(other, "mail");
    expect(types()).toEqual(["failing", "well", "failing", "well"]);
    // The database is closed while the hook fails, and opened again.
    await clock.advance(61_000);
    health.failed(one, failure);
    health.left(one, "mail");
    health.succeeded({}, "mail");
    await clock.advance(61_000);
    health.failed(other, failure);
    expect(types().slice(4)).toEqual(["failing", "well", "failing"]);
  });

  test("K70 a hook that fails and works in turn is reported once in a minute", async () => {
    const { clock, health, types } = note();
    for (let second = 0; second < 120; second++) {
      health.failed(health, failure);
      health.succeeded(health, "mail");
      await clock.advance(1_000);
    }
    expect(types()).toEqual(["failing", "well", "failing", "well"]);
  });
});
