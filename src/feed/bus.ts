import type { Commit } from "../store/store.ts";

/** Says that a commit moved the database: with the rows of it, or without. */
export type Hint = Omit<Commit, "entries"> & {
  /** The history that the commit belongs to. */
  readonly epoch: string;
  readonly entries?: Commit["entries"];
};

/**
 * How the nodes on one database tell each other of their commits.
 *
 * It is a hint: it may come late, twice, out of order or never, and nothing is lost, for every node reads gaps
 * from the store and polls the head. What it carries is believed as the store is, so it must not be open to strangers.
 */
export interface Bus {
  /** Tells all other nodes. Returns at once and never throws. */
  announce(hint: Hint): void;
  /** Calls `listener` with what other nodes announced. */
  onHint(listener: (hint: Hint) => void): void;
}
