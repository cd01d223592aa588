import type { Alteration } from "../support/alter-source.ts";
import { startAltered } from "../support/alteration.ts";
import type { Start } from "../support/server.ts";

/** Bugs of a node among others, for negative controls. */
const plants = {
  /** Applies a commit that others have preceded, and never reads those. */
  jumps: [
    {
      file: "feed/feed.ts",
      from: "if (commit.from === position && !filling) {",
      to: "if (!filling) {",
    },
  ],
  /** Believes what nodes on another database say. */
  gullible: [
    { file: "feed/hints.ts", from: '=> ["commits", epoch];', to: '=> ["commits", epoch.slice(0, 0) || "all"];' },
  ],
  /** Stores an id as often as it comes; without a unique index this is one row each. */
  forgetful: [
    {
      file: "store/sql.ts",
      from: "WHERE NOT EXISTS (SELECT 1 FROM tidings_message m WHERE m.id = s.id AND m.sender = a.key)",
      to: "WHERE true",
    },
  ],
  /** Leaves the sockets of an ended session open. */
  lenient: [{ file: "hub/hub.ts", from: 'if (change.kind === "revocation") revoke', to: "if (isStopped) revoke" }],
} as const satisfies Record<string, readonly Alteration[]>;

/** Starts a server with one of them. */
export const startPlanted =
  (plant: keyof typeof plants): Start =>
  (options = {}) =>
    startAltered({ ...options, alterations: plants[plant] });

/** Starts a server that looks for what nobody announced once in an hour. */
export const startSleepy: Start = (options = {}) => startAltered({ ...options, limits: { headPollMs: 3_600_000 } });
