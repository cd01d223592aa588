/** One harness that tries the promise, in sizes from seconds to hours: `bun run prove` runs them all. */
export type Proof = {
  /** The harness's short name, as on the command line. */
  readonly name: string;
  /** The unit that is counted, in the plural: "worlds", "crashes", "cases". */
  readonly unit: string;
  /** The rules of src/SPEC.md that it tries. */
  readonly rules: readonly string[];
  /** Its part of the time of a run, relative to the others. */
  readonly weight: number;
  /** It takes its whole time in one piece: short pieces would be spent on warming up. */
  readonly isOnePiece?: boolean;
  /** Tries number `from`, `from + 1`, … The same number tries the same, as far as real processes allow. */
  run(options: ProofOptions): Promise<ProofResult>;
};

export type ProofOptions = {
  readonly from: number;
  /** The most to try. */
  readonly count: number;
  /** Whether the time is over: then no further one is started. */
  readonly isOver: () => boolean;
  /** Reports progress. */
  readonly say: (text: string) => void;
};

export type ProofResult = {
  readonly tried: number;
  /** The first number for the next run. */
  readonly next: number;
  /** Lost, doubled, reordered or otherwise broken things, each with the number that repeats it. */
  readonly violations: readonly string[];
  /** Counts, such as `accepted` messages; summed over runs. */
  readonly facts: Readonly<Record<string, number>>;
};

/** Adds each of `more` to the fact of its name. */
export function addFacts(facts: Record<string, number>, more: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(more)) facts[name] = (facts[name] ?? 0) + value;
}
