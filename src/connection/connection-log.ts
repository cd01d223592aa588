import type { ReplayLog } from "./replay.ts";
import type { Doer, Limiter } from "../access/limiter.ts";
import type { Clock } from "../internal/clock.ts";
import type { Session } from "../model.ts";
import type { Cursors } from "../protocol/cursor.ts";
import type { Limits } from "../protocol/limits.ts";
import type { Page, PageBound, Store } from "../store/store.ts";

/**
 * A user's place in the log of this node. `lastN`: the last change that was fanned out to this user. `isReading`: it is not known yet which changes that are, and
 * the log is read.
 */
export type Joined = { readonly lastN: number; readonly isReading: boolean };

/** The parts of a connection that its log uses. */
export type ConnectionLogOwner = {
  readonly session: Session;
  readonly level: number;
  readonly doer: Doer;
  readonly context: {
    readonly store: Pick<Store, "changes" | "settled" | "cursors">;
    readonly clock: Clock;
    readonly limits: Limits;
    /** Absent: nothing is limited. */
    readonly limiter: Pick<Limiter, "pay" | "spend"> | undefined;
  };
  scheduleCursor(): void;
  fail(fault: unknown): void;
};

/** The log as a connection's replay reads it, paid for by its user. */
export class ConnectionLog implements ReplayLog {
  private readonly owner: ConnectionLogOwner;
  private readonly joined: Joined;

  constructor(owner: ConnectionLogOwner, joined: Joined) {
    this.owner = owner;
    this.joined = joined;
  }

  get level(): number {
    return this.owner.level;
  }

  get cursors(): Cursors {
    return this.owner.context.store.cursors;
  }

  get limits(): Limits {
    return this.owner.context.limits;
  }

  get clock(): Clock {
    return this.owner.context.clock;
  }

  async readPage(after: number, bound: PageBound): Promise<Page> {
    const { store } = this.owner.context;
    const page = await store.changes(this.owner.session, after, bound);
    await store.settled();
    return page;
  }

  pay(units: number): void | Promise<void> {
    return this.owner.context.limiter?.pay(this.owner.doer, units);
  }

  spend(units: number): void {
    this.owner.context.limiter?.spend(this.owner.doer, units);
  }

  lastN(): number {
    return this.joined.isReading ? Number.MAX_SAFE_INTEGER : this.joined.lastN;
  }

  onCursorPending(): void {
    this.owner.scheduleCursor();
  }

  fail(fault: unknown): void {
    this.owner.fail(fault);
  }
}
