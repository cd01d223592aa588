import type { Clock } from "./clock.ts";

/** A timer that fires later than this shows that the process did not run; the answers that arrived meanwhile have not been read yet. */
const lateMsMax = 1_000;

export type DeadlineOptions = {
  readonly clock: Pick<Clock, "after" | "elapsed">;
  readonly ms: number;
  /** Named in the error. */
  readonly who: string;
};

/**
 * Resolves as `answer` does; rejects once it has taken `ms` milliseconds, and a later answer is ignored. Leaves no timer behind. Where this
 * process was frozen meanwhile, the answer gets the same time again.
 *
 * @example
 * await withDeadline(work(), { clock, ms: 5_000, who: "The host" });
 */
export async function withDeadline<T>(answer: Promise<T>, { clock, ms, who }: DeadlineOptions): Promise<T> {
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

/** Waits until `done` resolves, but at most `ms` milliseconds; leaves no timer behind. Rejects as `done` does. */
export async function waitAtMost(
  done: Promise<unknown>,
  { clock, ms }: { readonly clock: Pick<Clock, "after">; readonly ms: number },
): Promise<void> {
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
