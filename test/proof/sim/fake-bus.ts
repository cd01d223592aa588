import type { Transport } from "../../../src/bus/transport.ts";
import type { Chance } from "./chance.ts";
import type { SimProcess } from "./process.ts";
import type { Timeline } from "./timeline.ts";

/** Faults of a bus: probabilities per message and receiver. */
export type BusFaults = {
  readonly busLoses: number;
  readonly busRepeats: number;
  readonly busMs: number;
  /** Commit notices with the positions of the changes, but without the changes. */
  readonly busEmpties: number;
};

type Subscriber = {
  readonly process: SimProcess;
  readonly isCutOff: () => boolean;
  readonly listeners: Map<string, Set<(text: string) => void>>;
};

const keyOf = (subject: readonly string[]): string => JSON.stringify(subject);

/** Removes the changes from a commit notice. */
function emptied(text: string): string {
  const { entries: _, ...bare } = JSON.parse(text) as { readonly entries?: unknown };
  return JSON.stringify(bare);
}

/** A bus between nodes that loses, repeats, delays and reorders, for each receiver separately. */
export function createFakeBus(timeline: Timeline, chance: Chance, faults: () => BusFaults) {
  const subscribers = new Set<Subscriber>();

  function carry(key: string, text: string, to: Subscriber): void {
    const { busLoses, busRepeats, busMs, busEmpties } = faults();
    if (chance.hits(busLoses) || to.isCutOff()) return;
    const carried = chance.hits(busEmpties) ? emptied(text) : text;
    void timeline.after(chance.unit() * busMs, () =>
      to.process.run(() => {
        for (const listener of [...(to.listeners.get(key) ?? [])]) listener(carried);
      }),
    );
    if (chance.hits(busRepeats)) carry(key, text, to);
  }

  return {
    /** One node's end. `isCutOff`: whether a partition separates it now. */
    attach(process: SimProcess, isCutOff: () => boolean): Transport {
      const self: Subscriber = { process, isCutOff, listeners: new Map() };
      subscribers.add(self);
      return {
        publish(subject, text) {
          if (isCutOff()) return;
          const key = keyOf(subject);
          for (const other of subscribers)
            if (other !== self && !other.process.isDead() && other.listeners.has(key)) carry(key, text, other);
        },
        subscribe(subject, listener) {
          const key = keyOf(subject);
          const known = self.listeners.get(key) ?? new Set();
          self.listeners.set(key, known.add(listener));
          return () => {
            known.delete(listener);
            if (known.size === 0 && self.listeners.get(key) === known) self.listeners.delete(key);
          };
        },
        onGap() {},
        close: () => Promise.resolve(),
      };
    },
  };
}

export type FakeBus = ReturnType<typeof createFakeBus>;
