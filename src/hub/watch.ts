import type { Connection } from "../connection/connection.ts";
import type { Outgoing } from "../connection/outgoing.ts";
import type { Identity } from "../model.ts";

/** A set that mostly has one item, and takes little memory then. An iteration visits each item that stays in it until the end. */
export class SmallSet<Item> {
  private one: Item | null = null;
  private others: Set<Item> | null = null;

  add(item: Item): void {
    if (this.one === item) return;
    if (this.one === null && this.others === null) this.one = item;
    else (this.others ??= new Set()).add(item);
  }

  delete(item: Item): void {
    if (this.one === item) this.one = null;
    else if (this.others?.delete(item) === true && this.others.size === 0) this.others = null;
  }

  get size(): number {
    return (this.one === null ? 0 : 1) + (this.others?.size ?? 0);
  }

  *[Symbol.iterator](): Generator<Item, void> {
    if (this.one !== null) yield this.one;
    if (this.others !== null) yield* this.others;
  }
}

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
