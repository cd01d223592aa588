/** One way of trying the promise, in sizes from seconds to hours: `bun run prove` runs them all. */
export type Proof = {
  /** The harness's short name, as on the command line. */
  readonly name: string;
  /** What is counted, in the plural: "worlds", "crashes", "cases". */
  readonly unit: string;
  /** The rules of src/SPEC.md that it tries. */
  readonly rules: readonly string[];
  /** Its part of the time of a run, relative to the others. */
  readonly weight: number;
  /** It takes its whole time in one piece: in short ones it would only ever warm up. */
  readonly isOnePiece?: boolean;
  /** Tries number `from`, `from + 1`, … The same number tries the same, as far as real processes allow. */
  run(options: ProofOptions): Promise<ProofResult>;
};

export type ProofOptions = {
  readonly from: number;
  /** At most so many. */
  readonly count: number;
  /** Whether the time is over: no further one is begun then. */
  readonly isOver: () => boolean;
  /** Tells somebody who waits how it goes. */
  readonly say: (text: string) => void;
};

export type ProofResult = {
  readonly tried: number;
  /** The number to go on from: none before it is wanted again. */
  readonly next: number;
  /** What was lost, doubled, reordered or otherwise broken: each with the number that repeats it. */
  readonly violations: readonly string[];
  /** What was done meanwhile, such as `accepted` messages; summed over runs. */
  readonly facts: Readonly<Record<string, number>>;
};
