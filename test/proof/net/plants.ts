import { plant } from "../../plants/index.ts";
import { startAltered } from "../../support/alteration.ts";
import type { Start } from "../../support/server.ts";

/** Bugs of one node among several, for negative controls. */
const plants = {
  /** Applies a commit after a gap, and never reads the missing commits. */
  jumps: "a gap in the log that is jumped",
  /** Believes nodes of another database. */
  gullible: "the bus of another database is believed",
  /** Stores an id each time it comes; without a unique index this is one row each. */
  forgetful: "an id is stored as often as it comes",
  /** Leaves the sockets of an ended session open. */
  lenient: "the sockets of an ended session stay open",
} as const;

/** Starts a server with one of them. */
export const startPlanted =
  (bug: keyof typeof plants): Start =>
  (options = {}) =>
    startAltered({ ...options, alterations: plant(plants[bug]) });

/** Starts a server that looks for unannounced commits only once an hour. */
export const startSleepy: Start = (options = {}) => startAltered({ ...options, limits: { headPollMs: 3_600_000 } });
