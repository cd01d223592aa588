import type { Connection } from "../connection/connection.ts";
import type { Outgoing } from "../connection/outgoing.ts";
import type { SmallSet } from "./small-set.ts";
import type { Identity } from "../model.ts";

/** The parts of a connection that presence uses. */
export type Viewer = Pick<Connection, "session" | "isOpen"> & {
  readonly outgoing: Pick<Outgoing, "sendVolatile" | "isBehind">;
};

/** A user's presence as a viewer sees it: online, offline without a time, or when the user was last seen. */
export type PresenceState = "online" | "offline" | number;

/** One connection, and the users that it watches. */
export type Watch = {
  readonly viewer: Viewer;
  /**
   * The state of each user that the viewer was last sent; null: none yet. Unchanged states are not resent, so a viewer cannot notice the activity
   * of a user who is hidden from them.
   */
  readonly users: Map<string, PresenceState | null>;
  /** The users of which the viewer was not sent the present state yet. */
  readonly stale: Set<string>;
  /** `notifying`: some of its users are being looked up. `ended`: another one has replaced it, or the connection is gone. */
  phase: "idle" | "notifying" | "ended";
};

/** A user who is watched. */
export type Subject = {
  readonly identity: Identity;
  readonly watchers: SmallSet<Watch>;
  /** The number of times that the user came or went. */
  moves: number;
  /** The time at which the user was last seen, as the store had it at `readAt`. */
  seen: { readonly time: number; readonly readAt: number } | null;
};

/** The users of one watch that are looked up in one round. */
export type Ask = { readonly watch: Watch; readonly users: readonly string[] };
