import { type ChangesWriterOptions, createChangesWriter, type WireChange, wireChange } from "./changes-writer.ts";
import type { Outbox } from "./outbox.ts";
import type { Clock } from "../internal/clock.ts";
import { levelMax, levelOf, textLengthOf } from "../log/log-kinds.ts";
import { bytesCost, costs } from "../protocol/costs.ts";
import type { Limits } from "../protocol/limits.ts";
import type { Page, PageBound } from "../store/store.ts";

export type ReplayOptions = ChangesWriterOptions & {
  readonly outbox: Outbox;
  readonly limits: Limits;
  readonly clock: Clock;
  /** Reads the changes of this connection's user. A message of this connection is on a page only once its `accepted` is in the outbox. */
  readonly readPage: (after: number, bound: PageBound) => Promise<Page>;
  /** Delays the next page until these units are paid and it is this user's turn; undefined: now. */
  readonly pay: (units: number) => void | Promise<void>;
  /** Takes the units that a page cost beyond that. */
  readonly spend: (units: number) => void;
  /** The last change that was fanned out to this user. */
  readonly lastN: () => number;
  readonly onFault: (fault: unknown) => void;
};

type State =
  /** Reads the log up to the head. `blocked`: once the outbox has room again. */
  | { readonly type: "replaying"; reader: "idle" | "reading" | "blocked" }
  /** The client has everything that was fanned out. `queue`: the changes of the present commit, which leave at the end of this turn. */
  | { readonly type: "live"; queue: WireChange[]; queuedUpTo: number }
  | { readonly type: "stopped" };

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
export function createReplay(options: ReplayOptions) {
  const { level, outbox, limits, clock } = options;
  const writer = createChangesWriter(options);
  let state: State = { type: "replaying", reader: "idle" };
  let pageBytes: number = Math.min(pageBytesMin, limits.pageBytesMax);

  // The compiler does not see that the state may change across an await.
  const isReplaying = (): boolean => state.type === "replaying";

  async function read(): Promise<void> {
    try {
      while (state.type === "replaying") {
        state.reader = outbox.hasRoomForChanges(limits.changesBytesMax) ? "reading" : "blocked";
        if (state.reader === "blocked") return;
        await options.pay(costs.page);
        if (!isReplaying()) return;
        const room = outbox.room();
        const rows = Math.max(1, Math.min(limits.pageChangesMax, Math.floor(room / besideTextBytes)));
        const before = writer.position();
        const page = atLevel(level, await options.readPage(before, { rows, bytes: Math.min(room, pageBytes) }));
        if (!isReplaying()) return;
        options.spend(costOf(page));
        if (!takePage(page)) return;
        // An empty page, though there is news, comes from a copy of the database that lags behind.
        const isStale = writer.position() === before && page.changes.length === 0;
        await new Promise<void>((resolve) => (isStale ? clock.after(staleMs, resolve) : clock.defer(resolve)));
      }
    } catch (fault) {
      options.onFault(fault);
    }
  }

  /** Whether the next page is to be read: not where this was the last one, nor while the outbox is full. */
  function takePage(page: Page): boolean {
    const isNews = page.changes.length > 0 || writer.isMoreExpected();
    const isTaken = !isNews || writer.write(encoded(page.changes), page.upTo, page.more);
    // A socket that refuses a frame ends its connection.
    if (state.type !== "replaying") return false;
    if (!isTaken) {
      // The rest of the page is read again later, in smaller pages: its texts take more bytes as JSON than in the store.
      pageBytes = Math.max(pageBytesMin, Math.floor(pageBytes / 2));
      state.reader = "blocked";
      return false;
    }
    pageBytes = Math.min(limits.pageBytesMax, pageBytes * 2);
    if (!isNews && page.upTo > writer.position()) writer.advance(page.upTo);
    if (page.more || options.lastN() > writer.position()) return true;
    state = { type: "live", queue: [], queuedUpTo: 0 };
    return false;
  }

  return {
    /** Reads on from the log, if there is room. */
    resume(): void {
      if (state.type !== "replaying" || state.reader === "reading") return;
      if (state.reader === "idle" || outbox.isDrained()) void read();
    },
    /** Queues a change of the present commit; null: nothing to send, for its sender has it as `accepted` on this connection, or its level is higher. */
    queueChange(change: WireChange | null, upTo: number): void {
      if (state.type !== "live" || upTo <= writer.position()) return;
      if (change && change.n > writer.position()) state.queue.push(change);
      state.queuedUpTo = upTo;
    },
    /** Sends the queued changes, or goes back to reading the log. */
    flush(): void {
      if (state.type !== "live") return;
      const live = state;
      if (live.queuedUpTo <= writer.position()) return writer.sendDueCursor();
      const changes = live.queue;
      live.queue = [];
      if (outbox.hasHeldAnswers() || (changes.length > 0 && !writer.write(changes, live.queuedUpTo, false))) {
        if (state === live) state = { type: "replaying", reader: "blocked" };
      } else if (changes.length === 0) {
        writer.advance(live.queuedUpTo);
        writer.sendDueCursor();
      }
    },
    /** Sends the client the cursor of a position that moved without a frame. */
    sendPendingCursor(): void {
      writer.markCursorDue();
      if (state.type === "live") writer.sendDueCursor();
    },
    /** Whether it waits for room in the outbox. */
    isBlocked: (): boolean => state.type === "replaying" && state.reader === "blocked",
    /** The client has everything up to here. */
    position: writer.position,
    stop(): void {
      state = { type: "stopped" };
    },
  };
}

export type Replay = ReturnType<typeof createReplay>;
