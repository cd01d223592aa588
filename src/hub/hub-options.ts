import type { Revalidation } from "./revalidation.ts";
import type { WatchBudget } from "./watch-budget.ts";
import type { Capacity } from "../access/capacity.ts";
import type { Limiter } from "../access/limiter.ts";
import type { Policy } from "../access/policy.ts";
import type { Reauthenticate } from "../access/authenticate.ts";
import type { Transport } from "../bus/transport.ts";
import type { ConnectionOptions } from "../connection/connection.ts";
import type { OutboxBudget } from "../connection/outbox-budget.ts";
import type { Feed } from "../feed/feed.ts";
import type { Clock } from "../internal/clock.ts";
import type { Limits } from "../protocol/limits.ts";
import type { Store } from "../store/store.ts";

export type HubEvent =
  | {
      readonly type: "connected" | "disconnected";
      readonly tenant: string;
      readonly user: string;
      readonly device: string;
      readonly code?: number;
    }
  /** Two connections of the default device are open at a time: see `default-device.ts`. */
  | { readonly type: "default device shared"; readonly tenant: string; readonly user: string }
  | { readonly type: "fault"; readonly fault: unknown };

export type HubOptions = {
  /** Asks the host from time to time whether a session still holds; default: the host is not asked. */
  readonly revalidation?: Revalidation | undefined;
  /** Asks the host about a token that comes on an open socket; default: the host cannot be asked. */
  readonly reauthenticate?: Reauthenticate | undefined;
  /** The limits of connections, and of the bytes that may wait to go out: the hubs of a process share them. Default: its own. */
  readonly capacity?: Capacity;
  readonly budget?: OutboxBudget;
  /** The names that may be watched: the hubs of a process share them too. Default: its own. */
  readonly watchBudget?: WatchBudget;
  readonly store: Store;
  readonly feed: Feed;
  readonly clock: Clock;
  readonly limits: Limits;
  readonly policy: Policy;
  /** Default: nothing is limited. */
  readonly limiter?: Limiter | undefined;
  /** The messages between this node and the others, where there are others. */
  readonly transport?: Transport | undefined;
  /** This node's own name; needed with a transport. */
  readonly node?: string;
  /**
   * Upgrades that the host admitted before this, by the clock's `elapsed()`, were admitted under a history that has ended, with revocations that
   * this one may not have: their sockets are closed as the others of that history were. Default: there was none.
   */
  readonly admittedSince?: number;
  readonly report: (event: HubEvent) => void;
};

/** The device of a socket, the cursor at which it goes on, and its origin. */
export type Arrival = Omit<ConnectionOptions, "socket" | "session"> & {
  /** When the host was asked about it, by the clock's `elapsed()`; default: now. */
  readonly admittedAt?: number;
};
