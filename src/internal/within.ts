import type { Clock } from "./clock.ts";

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
