import type { Clock } from "../internal/clock.ts";

/** A hook has begun to fail, or works again. */
export type HookHealthChange =
  | {
      readonly type: "failing";
      readonly hook: string;
      readonly error: unknown;
      readonly tenant: string;
      readonly messageId: string;
    }
  | { readonly type: "well"; readonly hook: string; readonly failures: number };

export type HookHealthOptions = {
  readonly clock: Pick<Clock, "elapsed">;
  readonly onChange: (change: HookHealthChange) => void;
};

/** A follower of the log: each database has its own for each hook. */
type Follower = object;
type Health = { readonly failing: Set<Follower>; failures: number; isReported: boolean; reportedAt: number };

/** A hook that fails and works in turn is reported at most once in this time. */
const everyMs = 60_000;

/** Whether hooks succeed, over all databases of a process: one report when a hook begins to fail, and one when it works again in all of them. */
export type HookHealth = {
  failed(follower: Follower, failure: Omit<Extract<HookHealthChange, { type: "failing" }>, "type">): void;
  succeeded(follower: Follower, hook: string): void;
  /** The follower has stopped: its last failure counts no more. */
  left(follower: Follower, hook: string): void;
};

export function createHookHealth({ clock, onChange }: HookHealthOptions): HookHealth {
  const known = new Map<string, Health>();

  function healthOf(hook: string): Health {
    const health = known.get(hook) ?? { failing: new Set(), failures: 0, isReported: false, reportedAt: -Infinity };
    known.set(hook, health);
    return health;
  }

  function recover(hook: string, health: Health): void {
    const { failures, isReported } = health;
    Object.assign(health, { failures: 0, isReported: false });
    if (isReported) onChange({ type: "well", hook, failures });
  }

  return {
    failed(follower, failure) {
      const health = healthOf(failure.hook);
      health.failing.add(follower);
      health.failures++;
      const now = clock.elapsed();
      if (health.isReported || now - health.reportedAt < everyMs) return;
      Object.assign(health, { isReported: true, reportedAt: now });
      onChange({ type: "failing", ...failure });
    },

    succeeded(follower, hook) {
      const health = healthOf(hook);
      health.failing.delete(follower);
      if (health.failures > 0 && health.failing.size === 0) recover(hook, health);
    },

    left(follower, hook) {
      healthOf(hook).failing.delete(follower);
    },
  };
}
