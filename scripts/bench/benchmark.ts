/** The options of the command line. */
export type BenchOptions = {
  readonly runs: number;
  readonly pairs: number;
  readonly window: number;
  readonly seconds: number;
  /** Added to each commit of the server and of the baseline, as a disk with a slow fsync would. */
  readonly commitDelayMs: number;
  readonly connections: number;
  readonly textBytes: number;
  /** The numbers of nodes to measure. */
  readonly nodes: readonly number[];
  /** The data of hostile users: own messages in one conversation, conversations, devices. */
  readonly messages: number;
  readonly conversations: number;
  readonly devices: number;
  /** The acts of hostile users. */
  readonly acts: readonly string[];
  /** The sizes of groups. */
  readonly members: readonly number[];
  /** The parts of `storage`, or of `groups`. */
  readonly parts: readonly string[];
};

/** One line of the table: a measure, its unit, one value per run. */
export type Measure = { readonly name: string; readonly unit: string; readonly value: number };

/** One benchmark: each call is one run, on fresh processes and fresh files. */
export type Benchmark = (options: BenchOptions) => Promise<readonly Measure[]>;

export const measure = (name: string, unit: string, value: number): Measure => ({ name, unit, value });
