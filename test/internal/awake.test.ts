import { describe, expect, test } from "bun:test";
import { createAwakeClock } from "../../src/internal/awake.ts";
import { withDeadline } from "../../src/internal/deadline.ts";
import { during, fakeClock } from "../support/fake-clock.ts";

describe("a clock that leaves out a freeze", () => {
  test("R21 counts what passes between looks, and no more than one look's worth of a freeze", async () => {
    const clock = fakeClock();
    const awake = createAwakeClock(clock, 2_000);
    const start = awake.elapsed();
    for (let i = 0; i < 5; i++) {
      await clock.advance(1_500);
      awake.elapsed();
    }
    expect(awake.elapsed() - start).toBe(7_500);
    clock.freeze(3_600_000);
    expect(awake.elapsed() - start).toBe(9_500);
    await clock.advance(1_000);
    expect(awake.elapsed() - start).toBe(10_500);
    expect(awake.now()).toBe(clock.now());
  });

  test("R21 a timer that a freeze made late waits for the time that was lost; any other one is in time", async () => {
    const clock = fakeClock();
    const awake = createAwakeClock(clock, 2_000);
    const fired: string[] = [];
    awake.after(1_000, () => fired.push("one"));
    await clock.advance(1_000);
    expect(fired).toEqual(["one"]);
    awake.after(1_500, () => fired.push("two"));
    const cancel = awake.after(1_500, () => fired.push("never"));
    clock.freeze(60_000);
    await clock.advance(0);
    expect(fired).toEqual(["one"]);
    await clock.advance(1_000);
    cancel();
    await clock.advance(400);
    expect(fired).toEqual(["one"]);
    await clock.advance(200);
    expect(fired).toEqual(["one", "two"]);
  });
});

describe("an answer in time", () => {
  const never = () => new Promise<string>(() => {});

  test("R21 an answer that was asked for before a freeze gets the same time again after it, and no more", async () => {
    const clock = fakeClock();
    let answer = (_: string): void => {};
    const asked = new Promise<string>((resolve) => (answer = resolve));
    const heard = withDeadline(asked, { clock, ms: 5_000, who: "the host" });
    const silent = withDeadline(never(), { clock, ms: 5_000, who: "the host" }).catch((error: unknown) =>
      String(error),
    );
    clock.freeze(60_000);
    await clock.advance(0);
    answer("yes");
    expect(await heard).toBe("yes");
    await clock.advance(4_900);
    expect(await Promise.race([silent, Bun.sleep(0).then(() => "waits")])).toBe("waits");
    await clock.advance(200);
    expect(await silent).toContain("the host did not answer within 5000 ms");
  });

  test("R21 without a freeze it ends in its time", async () => {
    const clock = fakeClock();
    const start = clock.elapsed();
    const silent = withDeadline(never(), { clock, ms: 500, who: "the host" }).catch(() => clock.elapsed() - start);
    expect(await during(clock, silent)).toBeLessThanOrEqual(510);
  });
});
