import type { OutboxBudget } from "./outbox-budget.ts";
import type { SendWindow } from "./send-window.ts";
import { createHeartbeat } from "../connection/heartbeat.ts";
import { createInbox, type Frame } from "../connection/inbox.ts";
import { createExpiry } from "../connection/expiry.ts";
import { createSendPause } from "./send-pause.ts";
import { createOutbox, type Slot } from "../connection/outbox.ts";
import { createBadFrameCounter } from "./bad-frame-counter.ts";
import type { Socket, SocketEvents } from "../connection/socket.ts";
import type { Clock } from "../internal/clock.ts";
import type { Session } from "../model.ts";
import { closeCode } from "../protocol/close-code.ts";
import { encodeFrame } from "../protocol/encode.ts";
import { type ServerFrame, welcomeLimits } from "../protocol/frame.ts";
import { levelMin } from "../protocol/level.ts";
import type { Limits } from "../protocol/limits.ts";
import type { Store } from "../store/store.ts";
import { doerOf, type Limiter } from "../access/limiter.ts";
import { resumePointOf } from "./resume-point.ts";
import { createReplay, type Replay, type WireChange } from "./replay.ts";

/** What a connection needs of the hub around it. */
export type ConnectionContext = {
  readonly store: Store;
  readonly clock: Clock;
  /** The same without the time in which this process was frozen: for what peers must do in time. */
  readonly awake: Clock;
  readonly limits: Limits;
  /** What may wait to go out over all connections. */
  readonly budget: OutboxBudget;
  /** What this connection may have waiting beside all others. */
  readonly share: SendWindow;
  /** Who may do how much; absent: anybody anything. */
  readonly limiter: Pick<Limiter, "pay" | "spend"> | undefined;
  /** Handles one frame; a promise makes the connection's next one wait. */
  readonly handle: (connection: Connection, frame: Frame) => void | Promise<void>;
  /** The connection is open and must learn of what follows; `lastN`: the last change that was its user's. */
  readonly join: (connection: Connection) => { readonly lastN: number };
  readonly leave: (connection: Connection, code: number) => void;
  /** The connection has something to send at the end of this turn. */
  readonly touch: (connection: Connection) => void;
  /** The client has done something. */
  readonly acted: () => void;
  /** The connection owes its client an empty `changes`. */
  readonly owe: (connection: Connection) => void;
  /** Runs a task soon: for what may be due for all connections at one moment, and must not be done in one turn. */
  readonly soon: (task: () => void) => void;
  readonly report: (fault: unknown, connection: Connection) => void;
};

export type ConnectionOptions = {
  readonly socket: Socket;
  readonly session: Session;
  readonly device: string;
  readonly cursor?: string;
  /** Nothing of a higher level is sent; default: the lowest. */
  readonly level?: number;
  /** The name under which the peer's address is counted. */
  readonly address?: string;
  /** The address that was asked, without its query. */
  readonly url?: string;
};

/** After the closing handshake has begun, a peer that does not answer is dropped. */
const closeGraceMs = 3_000;

export type Connection = ReturnType<typeof createConnection>;

/** One open socket of one device. */
export function createConnection(options: ConnectionOptions, context: ConnectionContext) {
  const { socket, session, device, level = levelMin } = options;
  const { store, clock, limits } = context;
  const doer = doerOf(session, options.address);
  let state: "opening" | "open" | "failed" | "closing" | "closed" = "opening";
  let tail: Replay | null = null;
  const heartbeat = createHeartbeat({ clock: context.awake, limits, arePongsHidden: socket.ping === undefined });
  const expiry = createExpiry(session, clock);
  /** When the client last did something: answering pings, and sending its own, is nothing. */
  let actedAt = clock.elapsed();
  const strikes = createBadFrameCounter({ clock, perMinuteMax: limits.badFramesPerMinuteMax });
  let cancelGrace = (): void => {};

  const outbox = createOutbox({
    socket,
    bytesMax: limits.outboxBytesMax,
    budget: context.budget,
    share: context.share,
    onBroken: () => terminate(closeCode.tooSlow),
  });
  const inbox = createInbox({
    socket,
    // The timer of the session's end may be late; whose session is over sends nothing more.
    handle: (frame) => (expiry.hasEnded() ? end() : context.handle(connection, frame)),
    isOpen: () => isOpen() && outbox.unanswered() < context.share.sends(),
    onOverflow: () => close(closeCode.rateLimited, "too many frames waiting"),
    onFault: (fault) => fail(fault),
    bytesMax: limits.inboxBytesMax,
    framesMax: limits.sendWindow,
  });

  async function open(): Promise<void> {
    const asked = options.cursor === undefined ? undefined : store.cursors.decode(options.cursor);
    const start = await store.openDevice(session, device, {
      after: asked?.n,
      level: asked ? (asked.level ?? levelMin) : level,
    });
    if (state !== "opening") return;
    const { n, isHonoured, reset } = resumePointOf(start, { asked, level });
    // Its own cursor comes back as the client knows it.
    const cursor = isHonoured && options.cursor !== undefined ? options.cursor : store.cursors.encode({ n, level });
    if (isHonoured && asked) store.ack(session, device, asked);
    else if (asked?.isList && reset === null) store.ackList(session, device, asked.n);

    state = "open";
    outbox.write(
      encodeFrame({
        type: "welcome",
        protocol: 1,
        level,
        user: session.user,
        device,
        cursor,
        time: clock.now(),
        heartbeatMs: limits.heartbeatMs,
        limits: welcomeLimits(limits),
      }),
    );
    if (reset !== null) outbox.write(encodeFrame({ type: "reset", reason: reset, cursor }));
    // A socket that takes no welcome is gone already, and must not join.
    if (!isOpen()) return;
    const here = context.join(connection);
    tail = createReplay({
      start: n,
      level,
      cursors: store.cursors,
      outbox,
      limits,
      clock,
      readPage: async (after, bound) => {
        const page = await store.changes(session, after, bound);
        await store.settled();
        return page;
      },
      pay: (units) => context.limiter?.pay(doer, units),
      spend: (units) => context.limiter?.spend(doer, units),
      lastN: () => here.lastN,
      onFault: fail,
      onOwing: () => context.owe(connection),
    });
    if (expiry.hasEnded()) return end();
    // It may be moved before its turn comes.
    expiry.watch(() => context.soon(() => (expiry.hasEnded() ? end() : undefined)));
    tail.resume();
    inbox.pump();
  }

  const isOpen = (): boolean => state === "open";

  function end(): void {
    close(closeCode.sessionEnded, "the session has expired");
  }

  function fail(fault: unknown): void {
    context.report(fault, connection);
    close(closeCode.storeFailed, "the store failed");
  }

  function close(code: number, reason: string): void {
    if (state === "closing" || state === "closed") return;
    state = "closing";
    inbox.stop();
    tail?.stop();
    // Before the socket's close: some runtimes call `closed` from within it.
    cancelGrace = context.awake.after(closeGraceMs, () => context.soon(() => terminate(code)));
    socket.close(code, reason);
  }

  function terminate(code: number): void {
    if (state === "closed") return;
    socket.terminate();
    closed(code);
  }

  function closed(code: number): void {
    if (state === "closed") return;
    state = "closed";
    inbox.stop();
    tail?.stop();
    outbox.stop();
    expiry.stop();
    cancelGrace();
    context.leave(connection, code);
  }

  function flush(): void {
    outbox.flushAnswers();
    tail?.flush();
  }

  const events: SocketEvents = {
    receive(frame) {
      heartbeat.heard();
      if (state === "opening" || state === "open") inbox.receive(frame);
    },
    drain() {
      context.touch(connection);
    },
    pong: heartbeat.heard,
    closed,
  };

  const connection = {
    session,
    device,
    level,
    address: options.address,
    url: options.url,
    /** For whose account it does something. */
    doer,
    events,
    /** Refuses its sends for a while. */
    hold: createSendPause(clock),

    /** Starts: the device's start is stored, then `welcome`, then the log. */
    start(): void {
      open().catch(fail);
    },

    /** Keeps the place of an answer. */
    reserve: (): Slot => outbox.reserve(),

    /** Fills the place of an answer; it leaves at the end of this turn, in its order. */
    answer(slot: Slot, frame: Exclude<ServerFrame, { type: "changes" }>): void {
      if (state === "closing" || state === "closed") return;
      outbox.fill(slot, encodeFrame(frame));
      context.touch(connection);
    },

    /** Answers at the next place. */
    reply(frame: Exclude<ServerFrame, { type: "changes" }>): void {
      connection.answer(outbox.reserve(), frame);
    },

    /** When its session ends, in milliseconds since the Unix epoch; undefined: not by itself. */
    sessionEnd: (): number | undefined => expiry.end(),

    /** Moves the end of its session; false where that has come. */
    extend(sessionEnd: number | undefined): boolean {
      if (state === "closing" || state === "closed") return false;
      if (!expiry.hasEnded()) expiry.move(sessionEnd);
      if (!expiry.hasEnded()) return true;
      end();
      return false;
    },

    /** The client does something. */
    act(): void {
      actedAt = clock.elapsed();
      context.acted();
    },

    /** For how many milliseconds the client has done nothing. */
    silentMs: (): number => clock.elapsed() - actedAt,

    /** The client sends pings of its own: see Heartbeat. */
    pings: heartbeat.pings,

    /** Counts a bad frame; too many in a minute close the connection. */
    strike(): void {
      if (!strikes.add()) return;
      flush();
      close(closeCode.badFrames, "too many bad frames");
    },

    /** The store failed a send: what waits is answered, nothing more is handled, then the socket closes. */
    storeFailed(): void {
      if (state === "open") state = "failed";
    },

    /** Sends something that is never stored; false where the socket is not keeping up and it was dropped. */
    hint(text: string): boolean {
      if (state !== "open") return true;
      if (connection.isBehind()) return false;
      outbox.write(text);
      return true;
    },

    /** Whether a hint would be dropped. */
    isBehind: (): boolean => state === "open" && !outbox.hasRoomForChanges(limits.outboxBytesMax / 2),

    offer(change: WireChange | null, upTo: number): void {
      tail?.offer(change, upTo);
      context.touch(connection);
    },

    settleDebt(): void {
      tail?.settleDebt();
    },

    /** Whether its frames are still handled. */
    isOpen,

    /** Something broke while this connection was being served. */
    fail,

    /** The end of a turn: answers first, then changes, then whatever either of them had held up. */
    flush(): void {
      if (state === "closing" || state === "closed") return;
      if (socket.cork) socket.cork(flush);
      else flush();
      outbox.measure();
      if (state === "failed" && outbox.unanswered() === 0) return close(closeCode.storeFailed, "the store failed");
      tail?.resume();
      inbox.pump();
    },

    /** Looks after the deadlines, and pings when it is time. */
    beat(): void {
      if (state === "closing" || state === "closed") return;
      if (expiry.hasEnded()) return end();
      // The closing handshake would keep the memory that is short: it waits behind what the peer does not take.
      if (outbox.isHoarding()) return terminate(closeCode.tooSlow);
      const isBlocked = (tail?.isBlocked() ?? false) || outbox.hasHeldAnswers();
      const beat = heartbeat.beat({ isBlocked, isPaused: inbox.isPaused() });
      if (beat === "stuck") return close(closeCode.tooSlow, "too slow: reconnect and resume");
      if (beat === "silent") return close(closeCode.heartbeatMissed, "no frame or pong in time");
      if (beat === "ping") socket.ping?.();
      if (isBlocked) context.touch(connection);
    },

    /** Where the client is: everything up to here was sent on this connection. */
    position: (): number => tail?.position() ?? 0,
    close,
    terminate: (): void => terminate(closeCode.restart),
  };
  return connection;
}
