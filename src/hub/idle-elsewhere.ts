import type { DeviceHere } from "./cluster-message.ts";
import type { Clock } from "../internal/clock.ts";
import { createLru } from "../internal/lru.ts";
import { type Identity, identityKey } from "../model.ts";

/** An answer takes this time, in milliseconds. */
const answerMs = 300;
/** An answer holds for this time, in milliseconds. */
const answerHoldsMs = 5_000;
const answersMax = 100_000;

type Answers = { readonly askedAt: number; readonly devices: Map<string, number> };

/** For how long users have done nothing on devices that are connected to other nodes. */
export function createIdleElsewhere(options: {
  readonly clock: Pick<Clock, "elapsed">;
  readonly ask: (identity: Identity) => void;
}) {
  const { clock, ask } = options;
  const answers = createLru<string, Answers>(answersMax);

  return {
    /**
     * The milliseconds since a user did something on a device (an empty one: on any); null: no other node has it. It has to be asked for: "unknown"
     * until an answer may have come.
     */
    idleMs(identity: Identity, device: string): number | null | "unknown" {
      const key = identityKey(identity);
      const now = clock.elapsed();
      const known = answers.get(key);
      if (!known || now - known.askedAt >= answerHoldsMs) {
        answers.set(key, { askedAt: now, devices: new Map() });
        ask(identity);
        return "unknown";
      }
      if (now - known.askedAt < answerMs) return "unknown";
      const found = [...known.devices].filter(([name]) => device === "" || name === device);
      return found.length === 0 ? null : Math.min(...found.map(([, ms]) => ms)) + (now - known.askedAt);
    },
    /** Another node has answered. */
    take(identity: Identity, devices: readonly DeviceHere[]): void {
      const known = answers.get(identityKey(identity));
      for (const [device, idleMs] of devices)
        known?.devices.set(device, Math.min(idleMs, known.devices.get(device) ?? Infinity));
    },
  };
}
