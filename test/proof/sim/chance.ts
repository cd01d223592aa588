import type { Random } from "../../../src/internal/random.ts";

/** Seeded chance: the same seed gives the same draws. */
export type Chance = {
  /** From 0 up to, not including, 1. */
  unit(): number;
  /** A whole number from `min` to `max`. */
  between(min: number, max: number): number;
  /** True with this probability. */
  hits(probability: number): boolean;
  pick<Item>(items: readonly Item[]): Item;
  /** A separate chance for one part of the world: draws elsewhere do not change its draws. */
  fork(name: string): Chance;
};

/** Chance by sfc32, seeded by one number. */
export function createChance(seed: number): Chance {
  let [a, b, c, d] = [seed | 0, (seed * 0x9e3779b9) | 0, 0x243f6a88, 1];
  const unit = (): number => {
    const t = (((a + b) | 0) + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + t) | 0;
    return (t >>> 0) / 2 ** 32;
  };
  for (let i = 0; i < 12; i++) unit();
  return {
    unit,
    between: (min, max) => min + Math.floor(unit() * (max - min + 1)),
    hits: (probability) => unit() < probability,
    pick(items) {
      const item = items[Math.floor(unit() * items.length)];
      if (item === undefined) throw new Error("There is nothing to pick from");
      return item;
    },
    fork: (name) => createChance(hash(seed, name)),
  };
}

/** FNV-1a over the seed and a name. */
function hash(seed: number, name: string): number {
  let state = Math.imul(0x811c9dc5 ^ seed, 0x01000193);
  for (let i = 0; i < name.length; i++) state = Math.imul(state ^ name.charCodeAt(i), 0x01000193);
  return state >>> 0;
}

/** The core's `Random`, from the seeded chance. */
export function randomOf(chance: Chance): Random {
  const integer = (): number => chance.between(0, 2 ** 20 - 1) * 2 ** 32 + Math.floor(chance.unit() * 2 ** 32);
  const digits = (count: number): string => integer().toString(16).padStart(count, "0").slice(-count);
  return {
    integer,
    messageId: (time) => {
      const stamp = time.toString(16).padStart(12, "0").slice(-12);
      return `${stamp.slice(0, 8)}-${stamp.slice(8)}-7${digits(3)}-8${digits(3)}-${digits(12)}`;
    },
    secret: () =>
      Array.from({ length: 5 }, () => digits(12))
        .join("")
        .slice(0, 43),
  };
}
