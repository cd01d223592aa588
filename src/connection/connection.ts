import { createBadFrameCounter } from "./bad-frame-counter.ts";
import { createExpiry } from "./expiry.ts";
import { createHealth, type Health } from "./health.ts";
import { createHeartbeat } from "./heartbeat.ts";
import { createInbox, type Frame } from "./inbox.ts";
import type { OutboxBudget } from "./outbox-budget.ts";
import { createLifecycle } from "./lifecycle.ts";
import { createOutgoing, type Outgoing } from "./outgoing.ts";
import type { ReplayOptions } from "./replay.ts";
import { createSendPause, type SendPause } from "./send-pause.ts";
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
  /** What handles the frames of a connection; a promise makes its next frame wait. */
  readonly handlerOf: (connection: Connection) => (frame: Frame) => void | Promise<void>;
  /** The connection is open and must get all that follows; `lastN`: the last change of its user. */
  readonly join: (connection: Connection) => { readonly lastN: number };
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
  const { socket, session, device, level = levelMin, address, url, cursor } = options;
  const { store, clock, awake, limits } = context;

  const lifecycle = createLifecycle({
    ...{ socket, clock: awake, soon: context.soon },
    onClosing() {
      inbox.stop();
      outgoing.stopReplay();
    },
    onClosed(code) {
      inbox.stop();
      outgoing.stop();
      expiry.stop();
      context.leave(connection, code);
    },
  });
  const { isOpen, isEnding, close, terminate } = lifecycle;
  const outgoing = createOutgoing({
    ...{ socket, limits, budget: context.budget, sendWindow: context.sendWindow, isOpen, isEnding },
    scheduleFlush: () => context.scheduleFlush(connection),
    onBroken: () => terminate(closeCode.tooSlow),
  });
  const heartbeat = createHeartbeat({ clock: awake, limits, arePongsHidden: socket.ping === undefined });
  const expiry = createExpiry(session, clock);
  const badFrames = createBadFrameCounter({ clock, perMinuteMax: limits.badFramesPerMinuteMax });
  const health = createHealth({ clock, heartbeat, expiry, onActive: context.onActive });

  async function open(): Promise<void> {
    const asked = cursor === undefined ? undefined : store.cursors.decode(cursor);
    const known = { after: asked?.n, level: asked ? (asked.level ?? levelMin) : level };
    const start = await store.openDevice(session, device, known);
    if (!lifecycle.isOpening()) return;
    const opening = { session, device, level, cursor, asked, start };
    const { n, frames } = welcomeOf(opening, { store, limits, now: clock.now() });
    lifecycle.open();
    for (const frame of frames) outgoing.write(frame);
    // A socket that takes no welcome is gone already, and must not join.
    if (!isOpen()) return;
    const joined = context.join(connection);
    outgoing.startReplay({ ...logOf(connection, context), start: n, lastN: () => joined.lastN });
    if (endIfOver()) return;
    // The end may move before the task runs.
    expiry.watch(() => context.soon(endIfOver));
    outgoing.resume();
    inbox.pump();
  }

  function endIfOver(): boolean {
    if (!expiry.hasEnded()) return false;
    close(closeCode.sessionEnded, "the session has expired");
    return true;
  }

  function fail(fault: unknown): void {
    context.report(fault, connection);
    close(closeCode.storeFailed, "the store failed");
  }

  const connection: Connection = {
    ...{ session, device, level, address, url, doer: doerOf(session, address), outgoing, health },
    sendPause: createSendPause(clock),
    start: () => void open().catch(fail),
    isOpen,
    extend(sessionEnd) {
      if (isEnding()) return false;
      if (!expiry.hasEnded()) expiry.move(sessionEnd);
      return !endIfOver();
    },
    endIfOver,
    countBadFrame() {
      if (!badFrames.add()) return;
      outgoing.flush();
      close(closeCode.badFrames, "too many bad frames");
    },
    closeAfterAnswers: lifecycle.fail,
    fail,
    flush() {
      if (isEnding()) return;
      outgoing.flushTogether();
      if (lifecycle.isFailed() && outgoing.unanswered() === 0) return close(closeCode.storeFailed, "the store failed");
      outgoing.resume();
      inbox.pump();
    },
    beat() {
      if (isEnding() || endIfOver()) return;
      // The closing handshake would keep the memory that is short: it waits behind the frames that the peer does not take.
      if (outgoing.isHoarding()) return terminate(closeCode.tooSlow);
      const isBlocked = outgoing.isBlocked();
      const beat = heartbeat.beat({ isBlocked, isPaused: inbox.isPaused() });
      if (beat === "stuck") return close(closeCode.tooSlow, "too slow: reconnect and resume");
      if (beat === "silent") return close(closeCode.heartbeatMissed, "no frame or pong in time");
      if (beat === "ping") socket.ping?.();
      if (isBlocked) context.scheduleFlush(connection);
    },
    close,
    terminate: () => terminate(closeCode.restart),
  };
  const inbox = createInbox({
    ...{ socket, bytesMax: limits.inboxBytesMax, framesMax: limits.sendWindow },
    handle: context.handlerOf(connection),
    onFrame: heartbeat.heard,
    isTaking: () => lifecycle.isOpening() || isOpen(),
    isOpen: () => isOpen() && outgoing.unanswered() < context.sendWindow.sends(),
    onOverflow: () => close(closeCode.rateLimited, "too many frames waiting"),
    onFault: fail,
  });
  const events: SocketEvents = {
    receive: inbox.receive,
    drain: () => context.scheduleFlush(connection),
    pong: heartbeat.heard,
    closed: lifecycle.closed,
  };
  return { connection, events };
}

/** The log as a connection's replay reads it, paid for by its user. */
function logOf(
  connection: Connection,
  context: ConnectionContext,
): Omit<ReplayOptions, "start" | "lastN" | "outbox" | "limits"> {
  const { session, level, doer, fail } = connection;
  const { store, clock, limiter } = context;
  return {
    ...{ level, cursors: store.cursors, clock, onFault: fail },
    async readPage(after, bound) {
      const page = await store.changes(session, after, bound);
      await store.settled();
      return page;
    },
    pay: (units) => limiter?.pay(doer, units),
    spend: (units) => limiter?.spend(doer, units),
    onCursorPending: () => context.scheduleCursor(connection),
  };
}
