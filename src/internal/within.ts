import type { Clock } from "./clock.ts";

/** Somebody's answer, or a rejection once they have taken `ms` milliseconds; leaves no timer behind. What comes later is of no interest. */
export async function answerWithin<T>(
  clock: Pick<Clock, "after">,
  ms: number,
  answer: Promise<T>,
  who: string,
): Promise<T> {
  let cancel = (): void => {};
  const late = new Promise<never>((_, reject) => {
    cancel = clock.after(ms, () => reject(new Error(`${who} did not answer within ${ms} ms`)));
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
