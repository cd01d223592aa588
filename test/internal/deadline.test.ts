import { describe, expect, test } from "bun:test";
import { waitAtMost, withDeadline } from "../../src/internal/deadline.ts";

/** A clock with timers that fire when the test says so. */
function heldClock() {
  const timers = new Set<() => void>();
  const clock = {
    elapsed: () => 0,
    after: (_ms: number, task: () => void) => {
      timers.add(task);
      return () => void timers.delete(task);
    },
  };
  const fire = (): void => {
    for (const task of [...timers]) task();
  };
  return { clock, timers, fire };
}

const never = new Promise<string>(() => {});

describe("withDeadline", () => {
  test("resolves and rejects as the answer does, and leaves no timer", async () => {
    const { clock, timers } = heldClock();
    const options = { clock, ms: 5, who: "The host" };
    expect(await withDeadline(Promise.resolve("yes"), options)).toBe("yes");
    await expect(withDeadline(Promise.reject(new Error("no")), options)).rejects.toThrow("no");
    expect(timers.size).toBe(0);
  });

  test("rejects with the name of the other side once the time is over", async () => {
    const { clock, timers, fire } = heldClock();
    const late = withDeadline(never, { clock, ms: 5, who: "The host" });
    fire();
    await expect(late).rejects.toThrow("The host did not answer within 5 ms");
    expect(timers.size).toBe(0);
  });
});

describe("waitAtMost", () => {
  test("ends with what it waits for, or once the time is over, and leaves no timer", async () => {
    const { clock, timers, fire } = heldClock();
    await waitAtMost(Promise.resolve(), { clock, ms: 5 });
    const late = waitAtMost(never, { clock, ms: 5 });
    fire();
    await late;
    expect(timers.size).toBe(0);
  });
});
