/** What the command line asked for. */
export type BenchOptions = {
  readonly runs: number;
  readonly pairs: number;
  readonly window: number;
  readonly seconds: number;
  /** Added to each commit of the server and of the baseline, as a disk with a slow fsync would. */
  readonly commitDelayMs: number;
  readonly connections: number;
  readonly textBytes: number;
  /** How many nodes each are measured with. */
  readonly nodes: readonly number[];
  /** What hostile users have made: messages of their own in one conversation, conversations, devices. */
  readonly messages: number;
  readonly conversations: number;
  readonly devices: number;
  /** What hostile users do. */
  readonly acts: readonly string[];
};

/** One line of the table: what was measured, in which unit, one value a run. */
export type Measure = { readonly name: string; readonly unit: string; readonly value: number };

/** One benchmark: each call is one run, on fresh processes and fresh files. */
export type Benchmark = (options: BenchOptions) => Promise<readonly Measure[]>;

export const measure = (name: string, unit: string, value: number): Measure => ({ name, unit, value });
