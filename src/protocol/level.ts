import type { Change } from "../model.ts";

/**
 * The highest level of entry that this release can read. An entry of a kind that the releases before did not know gets the next level: clients
 * ask for a level in the handshake, and nodes of an older release stop as soon as the log holds one.
 */
export const levelMax = 1;

/** The level of a client that asks for none, and of a cursor that says none. */
export const levelMin = 1;

/** Since which level there is what a device may be sent. */
const levels: Readonly<Record<Change["kind"], number>> = { message: 1, receipt: 1, relation: 1 };

/** A connection is sent a change where its own level is at least this one. */
export const levelOf = ({ kind }: Pick<Change, "kind">): number => levels[kind];
