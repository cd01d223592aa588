import type { Change } from "../model.ts";

/**
 * The highest level of entry that this release can read. An entry of a kind that earlier releases did not know gets the next level: clients
 * ask for a level in the handshake, and nodes of an older release stop as soon as the log holds one.
 */
export const levelMax = 1;

/** The level of a client that asks for none, and of a cursor without one. */
export const levelMin = 1;

/** The level of each kind of change. */
const levels: Readonly<Record<Change["kind"], number>> = { message: 1, receipt: 1, relation: 1 };

/** A connection is sent a change if its own level is at least this one. */
export const levelOf = ({ kind }: Pick<Change, "kind">): number => levels[kind];
