import { ChangesWriter, type ChangesWriterLog, type WireChange, wireChange } from "./changes-writer.ts";
import type { Outbox } from "./outbox.ts";
import type { Clock } from "../internal/clock.ts";
import { levelMax, levelOf, textLengthOf } from "../log/log-kinds.ts";
import { bytesCost, costs } from "../protocol/costs.ts";
import type { Limits } from "../protocol/limits.ts";
import type { Page, PageBound } from "../store/store.ts";

/** The log as one connection's replay reads it. */
export type ReplayLog = ChangesWriterLog & {
  readonly limits: Limits;
  readonly clock: Pick<Clock, "after" | "defer">;
  /** Reads the changes of this connection's user. A message of this connection is on a page only once its `accepted` is in the outbox. */
  readPage(after: number, bound: PageBound): Promise<Page>;
  /** Delays the next page until these units are paid and it is this user's turn; undefined: now. */
  pay(units: number): void | Promise<void>;
  /** Takes the units that a page cost beyond that. */
  spend(units: number): void;
  /** The last change that was fanned out to this user. */
  lastN(): number;
  fail(fault: unknown): void;
};

type State =
  /** Reads the log up to the head. `blocked`: once the outbox has room again. */
  | { readonly type: "replaying"; reader: "idle" | "reading" | "blocked" }
  /** The client has everything that was fanned out. `queue`: the changes of the present commit, which leave at the end of this turn; null: there are none. */
  | { readonly type: "live"; queue: WireChange[] | null; queuedUpTo: number }
  | { readonly type: "stopped" };

const stopped: State = { type: "stopped" };

/** The first page is small: most clients have little to catch up with, and one that connects again and again costs little. */
const pageBytesMin = 16_384;
/** Bytes that a change takes of a frame beside its text, about: bounds the rows of a page by the room. */
const besideTextBytes = 256;
/** How long a copy of the database that lags behind is left alone, in milliseconds. */
const staleMs = 100;

/** The units of a page, beyond those of every page. */
const costOf = ({ changes }: Page): number =>
  changes.reduce((sum, change) => sum + costs.row + bytesCost(textLengthOf(change)), 0);

/** A page without the changes of a higher level. */
const atLevel = (level: number, page: Page): Page =>
  level === levelMax ? page : { ...page, changes: page.changes.filter((change) => levelOf(change) <= level) };

function* encoded(changes: Page["changes"]): Iterable<WireChange> {
  for (const change of changes) yield wireChange(change);
}

/**
 * One connection's reader of the log: *replaying* until it has read up to the head, then *live*; when the socket stops draining it replays again from its position. The log is the
 * buffer.
 */
export class Replay {
  private readonly log: ReplayLog;
  private readonly outbox: Outbox;
  private readonly writer: ChangesWriter;
  private state: State = { type: "replaying", reader: "idle" };
  private pageBytes: number;

  constructor(log: ReplayLog, { outbox, start }: { readonly outbox: Outbox; readonly start: number }) {
    this.log = log;
    this.outbox = outbox;
    this.writer = new ChangesWriter(log, { outbox, start });
    this.pageBytes = Math.min(pageBytesMin, log.limits.pageBytesMax);
  }

  /** Reads on from the log, if there is room. */
  resume(): void {
    const { state } = this;
    if (state.type !== "replaying" || state.reader === "reading") return;
    if (state.reader === "idle" || this.outbox.isDrained()) void this.read();
  }

  /** Queues a change of the present commit; null: nothing to send, for its sender has it as `accepted` on this connection, or its level is higher. */
  queueChange(change: WireChange | null, upTo: number): void {
    const { state, writer } = this;
    if (state.type !== "live" || upTo <= writer.position()) return;
    if (change && change.n > writer.position()) (state.queue ??= []).push(change);
    state.queuedUpTo = upTo;
  }

  /** Sends the queued changes, or goes back to reading the log. */
  flush(): void {
    const { state: live, writer } = this;
    if (live.type !== "live") return;
    if (live.queuedUpTo <= writer.position()) return writer.sendDueCursor();
    const changes = live.queue;
    live.queue = null;
    if (this.outbox.hasHeldAnswers() || (changes !== null && !writer.write(changes, live.queuedUpTo, false))) {
      if (this.state === live) this.state = { type: "replaying", reader: "blocked" };
    } else if (changes === null) {
      writer.advance(live.queuedUpTo);
      writer.sendDueCursor();
    }
  }

  /** Reads the log from its position on, in place of what is fanned out from now on. What was queued before was flushed. */
  readAgain(): void {
    if (this.state.type !== "live") return;
    this.state = { type: "replaying", reader: "idle" };
    this.resume();
  }

  /** Sends the client the cursor of a position that moved without a frame. */
  sendPendingCursor(): void {
    this.writer.markCursorDue();
    if (this.state.type === "live") this.writer.sendDueCursor();
  }

  /** Whether it waits for room in the outbox. */
  isBlocked(): boolean {
    return this.state.type === "replaying" && this.state.reader === "blocked";
  }

  /** The client has everything up to here. */
  position(): number {
    return this.writer.position();
  }

  /** Whether an ack up to `n` covers a message that was sent, and that no ack before it covered. */
  acks(n: number): boolean {
    return this.writer.acks(n);
  }

  stop(): void {
    this.state = stopped;
  }

  // The compiler does not see that the state may change across an await.
  private isReplaying(): boolean {
    return this.state.type === "replaying";
  }

  private async read(): Promise<void> {
    const { log, outbox, writer } = this;
    const { limits, clock } = log;
    try {
      while (this.state.type === "replaying") {
        this.state.reader = outbox.hasRoomForChanges(limits.changesBytesMax) ? "reading" : "blocked";
        if (this.state.reader === "blocked") return;
        await log.pay(costs.page);
        if (!this.isReplaying()) return;
        const room = outbox.room();
        const rows = Math.max(1, Math.min(limits.pageChangesMax, Math.floor(room / besideTextBytes)));
        const before = writer.position();
        const bound = { rows, bytes: Math.min(room, this.pageBytes) };
        const page = atLevel(log.level, await log.readPage(before, bound));
        if (!this.isReplaying()) return;
        log.spend(costOf(page));
        if (!this.takePage(page)) return;
        // An empty page, though there is news, comes from a copy of the database that lags behind.
        const isStale = writer.position() === before && page.changes.length === 0;
        await new Promise<void>((resolve) => (isStale ? clock.after(staleMs, resolve) : clock.defer(resolve)));
      }
    } catch (fault) {
      log.fail(fault);
    }
  }

  /** Whether the next page is to be read: not where this was the last one, nor while the outbox is full. */
  private takePage(page: Page): boolean {
    const { log, writer } = this;
    const isNews = page.changes.length > 0 || writer.isMoreExpected();
    const isTaken = !isNews || writer.write(encoded(page.changes), page.upTo, page.more);
    // A socket that refuses a frame ends its connection.
    if (this.state.type !== "replaying") return false;
    if (!isTaken) {
      // The rest of the page is read again later, in smaller pages: its texts take more bytes as JSON than in the store.
      this.pageBytes = Math.max(pageBytesMin, Math.floor(this.pageBytes / 2));
      this.state.reader = "blocked";
      return false;
    }
    this.pageBytes = Math.min(log.limits.pageBytesMax, this.pageBytes * 2);
    if (!isNews && page.upTo > writer.position()) writer.advance(page.upTo);
    if (page.more || log.lastN() > writer.position()) return true;
    this.state = { type: "live", queue: null, queuedUpTo: 0 };
    return false;
  }
}
