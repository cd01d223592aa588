import { BadFrameCounter } from "./bad-frame-counter.ts";
import { ConnectionLog, type Joined } from "./connection-log.ts";
import { Expiry } from "./expiry.ts";
import { ConnectionHealth, type Health } from "./health.ts";
import { Heartbeat } from "./heartbeat.ts";
import { type Frame, Inbox } from "./inbox.ts";
import type { OutboxBudget } from "./outbox-budget.ts";
import { Lifecycle } from "./lifecycle.ts";
import { type Outgoing, OutgoingFrames } from "./outgoing.ts";
import { SendPause } from "./send-pause.ts";
import type { SendWindow } from "./send-window.ts";
import type { Socket, SocketEvents } from "./socket.ts";
import { welcomeOf } from "./welcome.ts";
import { type Doer, doerOf, type Limiter } from "../access/limiter.ts";
import type { Clock } from "../internal/clock.ts";
import type { Session } from "../model.ts";
import { closeCode } from "../protocol/close-code.ts";
import { levelMin } from "../protocol/level.ts";
import type { Limits } from "../protocol/limits.ts";
import type { Store } from "../store/store.ts";

/** Services that a connection uses. */
export type ConnectionContext = {
  readonly store: Store;
  readonly clock: Clock;
  /** Leaves out the time in which this process was frozen: for the deadlines of peers. */
  readonly awake: Clock;
  readonly limits: Limits;
  /** The bytes that may wait to go out over all connections. */
  readonly budget: OutboxBudget;
  /** The sends that each connection may have waiting. */
  readonly sendWindow: SendWindow;
  /** Absent: nothing is limited. */
  readonly limiter: Pick<Limiter, "pay" | "spend"> | undefined;
  /** Handles a frame of a connection; a promise makes its next frame wait. */
  readonly handle: (connection: Connection, frame: Frame) => void | Promise<void>;
  /** The connection is open and must get all that follows; `lastN`: the last change of its user. */
  readonly join: (connection: Connection) => Joined;
  readonly leave: (connection: Connection, code: number) => void;
  /** The connection has something to send at the end of this turn. */
  readonly scheduleFlush: (connection: Connection) => void;
  /** The client did something. */
  readonly onActive: () => void;
  /** Calls `outgoing.sendPendingCursor` a little later. */
  readonly scheduleCursor: (connection: Connection) => void;
  /** Runs a task soon: for tasks that may be due for all connections at one moment, and are spread over several turns. */
  readonly soon: (task: () => void) => void;
  readonly report: (fault: unknown, connection: Connection) => void;
};

/** The owner of a connection, and its origin. */
export type ConnectionIdentity = {
  readonly session: Session;
  readonly device: string;
  /** The connection is sent nothing of a higher level. */
  readonly level: number;
  /** The name under which the peer's address is counted. */
  readonly address: string | undefined;
  /** The address of the upgrade request, without its query. */
  readonly url: string | undefined;
  /** The limiter's account for everything that it does. */
  readonly doer: Doer;
};

export type ConnectionOptions = Pick<ConnectionIdentity, "session" | "device"> &
  Partial<Pick<ConnectionIdentity, "level" | "address" | "url">> & {
    readonly socket: Socket;
    readonly cursor?: string;
  };

/** One open socket of one device. It closes its socket; an adapter does so only after a throw or for a frame that is too long. */
export type Connection = ConnectionIdentity & {
  readonly outgoing: Outgoing;
  readonly health: Health;
  /** Refuses its sends for a while. */
  readonly sendPause: SendPause;
  /** Stores that the device connects, sends `welcome`, then replays the log. */
  start(): void;
  /** Whether its frames are still handled. */
  isOpen(): boolean;
  /** Closes it if its session is over; true: it is. */
  endIfOver(): boolean;
  /** Moves the end of its session; false where the session has ended. */
  extend(sessionEnd: number | undefined): boolean;
  /** Counts a bad frame; too many in a minute close the connection. */
  countBadFrame(): void;
  /** The store failed a send: no further frame is handled, and once the frames before it are answered the socket closes. */
  closeAfterAnswers(): void;
  /** Reports a fault and closes. */
  fail(fault: unknown): void;
  /** The end of a turn: sends answers, then changes, then goes on with the log and the frames that waited for either. */
  flush(): void;
  /** Checks the deadlines, and pings when it is time. */
  beat(): void;
  close(code: number, reason: string): void;
  /** Drops the socket without a closing handshake. */
  terminate(): void;
};

/** A connection, and the events that the adapter of its socket must report. */
export function createConnection(
  options: ConnectionOptions,
  context: ConnectionContext,
): { readonly connection: Connection; readonly events: SocketEvents } {
  const connection = new SocketConnection(options, context);
  return { connection, events: connection };
}

/** Every idle connection keeps one of these, with its parts: they share their functions, and make the rest when it is first used. */
class SocketConnection implements Connection, SocketEvents {
  readonly session: Session;
  readonly device: string;
  readonly level: number;
  readonly address: string | undefined;
  readonly url: string | undefined;
  readonly doer: Doer;
  readonly socket: Socket;
  readonly context: ConnectionContext;
  readonly sendPause: SendPause;
  readonly heartbeat: Heartbeat;
  readonly expiry: Expiry;
  readonly health: Health;
  readonly outgoing: OutgoingFrames;
  private readonly lifecycle: Lifecycle;
  private readonly inbox: Inbox;
  private badFrames: BadFrameCounter | null = null;
  /** The cursor that the client gave, until the connection is open. */
  private cursor: string | undefined;

  constructor(options: ConnectionOptions, context: ConnectionContext) {
    const { socket, session, device, level = levelMin, address, url, cursor } = options;
    this.session = session;
    this.device = device;
    this.level = level;
    this.address = address;
    this.url = url;
    this.doer = doerOf(session, address);
    this.socket = socket;
    this.context = context;
    this.cursor = cursor;
    this.sendPause = new SendPause(context.clock);
    this.heartbeat = new Heartbeat(context, { arePongsHidden: socket.ping === undefined });
    this.expiry = new Expiry(this);
    this.health = new ConnectionHealth(this);
    this.outgoing = new OutgoingFrames(this);
    this.lifecycle = new Lifecycle(this);
    this.inbox = new Inbox(this);
  }

  start(): void {
    this.open().catch((fault: unknown) => this.fail(fault));
  }

  private async open(): Promise<void> {
    const { context, session, device, level, cursor, outgoing, lifecycle } = this;
    const { store, limits, clock } = context;
    this.cursor = undefined;
    const asked = cursor === undefined ? undefined : store.cursors.decode(cursor);
    const known = { after: asked?.n, level: asked ? (asked.level ?? levelMin) : level };
    const start = await store.openDevice(session, device, known);
    if (!lifecycle.isOpening()) return;
    const opening = { session, device, level, cursor, asked, start };
    const { n, frames } = welcomeOf(opening, { store, limits, now: clock.now() });
    lifecycle.open();
    for (const frame of frames) outgoing.write(frame);
    // A socket that takes no welcome is gone already, and must not join.
    if (!this.isOpen()) return;
    outgoing.startReplay(new ConnectionLog(this, context.join(this)), n);
    if (this.endIfOver()) return;
    this.expiry.watch();
    outgoing.resume();
    this.inbox.pump();
  }

  isOpen(): boolean {
    return this.lifecycle.isOpen();
  }

  isEnding(): boolean {
    return this.lifecycle.isEnding();
  }

  endIfOver(): boolean {
    if (!this.expiry.hasEnded()) return false;
    this.close(closeCode.sessionEnded, "the session has expired");
    return true;
  }

  extend(sessionEnd: number | undefined): boolean {
    if (this.isEnding()) return false;
    if (!this.expiry.hasEnded()) this.expiry.move(sessionEnd);
    return !this.endIfOver();
  }

  onExpired(): void {
    // The end may move before the task runs.
    this.context.soon(() => this.endIfOver());
  }

  countBadFrame(): void {
    const { clock, limits } = this.context;
    this.badFrames ??= new BadFrameCounter(clock);
    if (!this.badFrames.add(limits.badFramesPerMinuteMax)) return;
    this.outgoing.flush();
    this.close(closeCode.badFrames, "too many bad frames");
  }

  closeAfterAnswers(): void {
    this.lifecycle.fail();
  }

  fail(fault: unknown): void {
    this.context.report(fault, this);
    this.close(closeCode.storeFailed, "the store failed");
  }

  flush(): void {
    const { outgoing } = this;
    if (this.isEnding()) return;
    outgoing.flushTogether();
    if (this.lifecycle.isFailed() && outgoing.unanswered() === 0)
      return this.close(closeCode.storeFailed, "the store failed");
    outgoing.resume();
    this.inbox.pump();
  }

  beat(): void {
    const { outgoing } = this;
    if (this.isEnding() || this.endIfOver()) return;
    this.expiry.beat();
    // The closing handshake would keep the memory that is short: it waits behind the frames that the peer does not take.
    if (outgoing.isHoarding()) return this.lifecycle.terminate(closeCode.tooSlow);
    const isBlocked = outgoing.isBlocked();
    const beat = this.heartbeat.beat({ isBlocked, isPaused: this.inbox.isPaused() });
    if (beat === "stuck") return this.close(closeCode.tooSlow, "too slow: reconnect and resume");
    if (beat === "silent") return this.close(closeCode.heartbeatMissed, "no frame or pong in time");
    if (beat === "ping") this.socket.ping?.();
    if (isBlocked) this.scheduleFlush();
  }

  close(code: number, reason: string): void {
    this.lifecycle.close(code, reason);
  }

  terminate(): void {
    this.lifecycle.terminate(closeCode.restart);
  }

  // The events of its socket.

  receive(frame: Frame): void {
    this.heartbeat.heard();
    this.inbox.receive(frame);
  }

  drain(): void {
    this.context.scheduleFlush(this);
  }

  pong(): void {
    this.heartbeat.heard();
  }

  closed(code: number): void {
    this.lifecycle.closed(code);
  }

  // The calls of its parts.

  handle(frame: Frame): void | Promise<void> {
    return this.context.handle(this, frame);
  }

  isTaking(): boolean {
    return this.lifecycle.isOpening() || this.isOpen();
  }

  canHandle(): boolean {
    return this.isOpen() && this.outgoing.unanswered() < this.context.sendWindow.sends();
  }

  scheduleFlush(): void {
    this.context.scheduleFlush(this);
  }

  scheduleCursor(): void {
    this.context.scheduleCursor(this);
  }

  onOverflow(): void {
    this.close(closeCode.rateLimited, "too many frames waiting");
  }

  onBroken(): void {
    this.lifecycle.terminate(closeCode.tooSlow);
  }

  onClosing(): void {
    this.inbox.stop();
    this.outgoing.stopReplay();
  }

  onClosed(code: number): void {
    this.inbox.stop();
    this.outgoing.stop();
    this.expiry.stop();
    this.context.leave(this, code);
  }
}
