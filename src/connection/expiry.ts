import type { Clock } from "../internal/clock.ts";
import type { Session } from "../model.ts";

/** The parts of a connection that its expiry uses. */
export type ExpiryOwner = {
  readonly session: Pick<Session, "expiresAt">;
  readonly context: { readonly clock: Pick<Clock, "now" | "after"> };
  /** The session has ended. */
  onExpired(): void;
};

/** A timer runs for an end that is as near as this, in milliseconds: two beats, and more where they are late. */
const timerMsMax = 3_000;

/**
 * The end of a session's proof, which may move. Its timer may be late: `hasEnded` is exact. Most ends are far away, and a timer for each connection
 * would take memory: there is one once a beat finds the end near.
 */
export class Expiry {
  private readonly owner: ExpiryOwner;
  private expiresAt: number | undefined;
  private isWatched = false;
  private cancelTimer: (() => void) | null = null;

  constructor(owner: ExpiryOwner) {
    this.owner = owner;
    this.expiresAt = owner.session.expiresAt;
  }

  hasEnded(): boolean {
    return this.expiresAt !== undefined && this.expiresAt <= this.owner.context.clock.now();
  }

  /** From now on the owner is called at the end. */
  watch(): void {
    this.isWatched = true;
    this.wait();
  }

  /** Starts the timer where the end is near by now; called at least once a second. */
  beat(): void {
    if (this.cancelTimer === null) this.wait();
  }

  /** Moves the end; undefined: the session does not end by itself. */
  move(end: number | undefined): void {
    this.expiresAt = end;
    this.wait();
  }

  /** The end in milliseconds since the Unix epoch; undefined: the session does not end by itself. */
  end(): number | undefined {
    return this.expiresAt;
  }

  stop(): void {
    this.isWatched = false;
    this.cancel();
  }

  private cancel(): void {
    this.cancelTimer?.();
    this.cancelTimer = null;
  }

  private wait(): void {
    this.cancel();
    if (this.expiresAt === undefined || !this.isWatched) return;
    if (this.hasEnded()) return this.owner.onExpired();
    const { clock } = this.owner.context;
    const leftMs = this.expiresAt - clock.now();
    if (leftMs <= timerMsMax) this.cancelTimer = clock.after(leftMs, () => this.wait());
  }
}
