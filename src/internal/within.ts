import type { Clock } from "./clock.ts";

/** A timer that is later than this is no busy process: it did not run, and what others have answered meanwhile has not been read yet. */
const lateMsMax = 1_000;

/**
 * Somebody's answer, or a rejection once they have taken `ms` milliseconds; leaves no timer behind. What comes later is of no interest. Where
 * this process was frozen meanwhile, they have so long again.
 */
export async function answerWithin<T>(
  clock: Pick<Clock, "after" | "elapsed">,
  ms: number,
  answer: Promise<T>,
  who: string,
): Promise<T> {
  let cancel = (): void => {};
  const late = new Promise<never>((_, reject) => {
    const fail = (): void => reject(new Error(`${who} did not answer within ${ms} ms`));
    const due = clock.elapsed() + ms;
    cancel = clock.after(ms, () => {
      if (clock.elapsed() - due > lateMsMax) cancel = clock.after(ms, fail);
      else fail();
    });
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    cancel();
  }
}

/** Waits for something, but at most `ms` milliseconds; leaves no timer behind. Rejects as it rejects. */
export async function within(clock: Clock, ms: number, done: Promise<unknown>): Promise<void> {
  let cancel = (): void => {};
  const deadline = new Promise<void>((resolve) => {
    cancel = clock.after(ms, resolve);
  });
  try {
    await Promise.race([done, deadline]);
  } finally {
    cancel();
  }
}
