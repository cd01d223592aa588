import type { Bus, Hint } from "../../src/feed/bus.ts";
import type { Chance } from "./chance.ts";
import type { SimProcess } from "./process.ts";
import type { Timeline } from "./timeline.ts";

/** How a bus goes wrong: probabilities a hint and a receiver. */
export type BusFaults = {
  readonly busLoses: number;
  readonly busRepeats: number;
  readonly busMs: number;
  /** Hints that say where, but not what. */
  readonly busEmpties: number;
};

type Subscriber = { readonly process: SimProcess; readonly isCutOff: () => boolean; listen: (hint: Hint) => void };

/** A bus between nodes that loses, repeats, delays and reorders: each receiver's hints go their own way. */
export function createFakeBus(timeline: Timeline, chance: Chance, faults: () => BusFaults) {
  const subscribers = new Set<Subscriber>();

  function carry(hint: Hint, to: Subscriber): void {
    const { busLoses, busRepeats, busMs, busEmpties } = faults();
    if (chance.hits(busLoses) || to.isCutOff()) return;
    const { entries: _, ...bare } = hint;
    const carried = chance.hits(busEmpties) ? bare : hint;
    void timeline.after(chance.unit() * busMs, () => to.process.run(() => to.listen(carried)));
    if (chance.hits(busRepeats)) carry(hint, to);
  }

  return {
    /** One node's end; `isCutOff`: it is behind a partition now. */
    attach(process: SimProcess, isCutOff: () => boolean): Bus {
      const self: Subscriber = { process, isCutOff, listen: () => {} };
      subscribers.add(self);
      return {
        announce(hint) {
          if (isCutOff()) return;
          for (const other of subscribers) if (other !== self && !other.process.isDead()) carry(hint, other);
        },
        onHint: (listener) => void (self.listen = listener),
      };
    },
  };
}

export type FakeBus = ReturnType<typeof createFakeBus>;
