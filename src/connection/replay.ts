import type { Outbox } from "../connection/outbox.ts";
import type { Clock } from "../internal/clock.ts";
import { utf8Bytes } from "../internal/utf8.ts";
import { encodeChange, levelMax, levelOf, textLengthOf } from "../log/log-kinds.ts";
import type { Change } from "../model.ts";
import type { Cursors } from "../protocol/cursor.ts";
import { bytesCost, costs } from "../protocol/costs.ts";
import { changesOverheadBytes, encodeChanges } from "../protocol/encode.ts";
import type { Limits } from "../protocol/limits.ts";
import type { Page, PageBound } from "../store/store.ts";

/** A change ready for the wire; one serves every connection that it goes to. */
export type WireChange = { readonly n: number; readonly text: string; readonly bytes: number };

export type ReplayOptions = {
  /** Everything up to here is with the client, or was left out for it. */
  readonly start: number;
  /** The connection's: nothing of a higher one is sent. */
  readonly level: number;
  readonly cursors: Pick<Cursors, "encode">;
  readonly outbox: Outbox;
  readonly limits: Limits;
  readonly clock: Clock;
  /** Reads what changed for this connection's user; a page shows nothing that its own sends still wait to hear of. */
  readonly readPage: (after: number, bound: PageBound) => Promise<Page>;
  /** Has the next page wait until what it may cost is paid, and it is its turn; nothing where that is now. */
  readonly pay: (units: number) => void | Promise<void>;
  /** What a page has cost beyond that. */
  readonly spend: (units: number) => void;
  /** The last change that was fanned out to this user. */
  readonly lastN: () => number;
  readonly onFault: (fault: unknown) => void;
  /** The position moved, but no frame said so yet. */
  readonly onOwing: () => void;
};

const pageBytesMin = 16_384;
/** What a change takes of a frame beside its text, about: it bounds the rows of a page by the room. */
const besideTextBytes = 256;
/** How long a copy that lags behind is left alone, in milliseconds. */
const staleMs = 100;

/** The wire form of a change. */
export function wireChange(change: Change): WireChange {
  const text = encodeChange(change);
  return { n: change.n, text, bytes: utf8Bytes(text) + 1 };
}

/** What a page has cost, beyond what every page does. */
const costOf = ({ changes }: Page): number =>
  changes.reduce((sum, change) => sum + costs.row + bytesCost(textLengthOf(change)), 0);

/** A page without what is of a higher level. */
const atLevel = (level: number, page: Page): Page =>
  level === levelMax ? page : { ...page, changes: page.changes.filter((change) => levelOf(change) <= level) };

function* encoded(changes: Page["changes"]): Iterable<WireChange> {
  for (const change of changes) yield wireChange(change);
}

/**
 * One connection's reader of the log. It is *replaying* until it has read up to the head, then *live*; when the
 * socket stops draining it is replaying again from where it was. The log is the buffer.
 */
export function createReplay(options: ReplayOptions) {
  const { start, level, cursors, outbox, limits, clock } = options;
  let position = start;
  let mode: "replaying" | "live" | "stopped" = "replaying";
  let isReading = false;
  let isBlocked = false;
  /** The last frame said that more follows, or none was sent yet: one must still say that nothing does. */
  let isUnfinished = true;
  /** The position moved without a frame; once the debt is due, the next chance to say so is taken. */
  let isOwing = false;
  let isDue = false;
  /** The first page is small: most have little to catch up with, and who only connects again and again is read little. */
  let pageBytes: number = Math.min(pageBytesMin, limits.pageBytesMax);
  /** Live changes of the commit at hand, gone again at its end. */
  let offered: WireChange[] = [];
  let offeredUpTo = 0;

  const cursorAt = (n: number): string => cursors.encode({ n, level });

  function writeChanges(upTo: number, more: boolean, changes: readonly WireChange[]): void {
    const texts = changes.map(({ text }) => text);
    outbox.write(encodeChanges(cursorAt(upTo), more, texts));
    position = upTo;
    isUnfinished = more;
    isOwing = false;
    isDue = false;
  }

  /**
   * Sends changes in frames within the limit; false where the outbox had no room for all. Each is encoded only when those before it had
   * room, so that of what a slow reader does not take one change at most was encoded in vain.
   */
  function writeFrames(changes: Iterable<WireChange>, upTo: number, more: boolean): boolean {
    let frame: WireChange[] = [];
    let bytes = changesOverheadBytes;
    /** Whether there is room for a whole frame: then it need not be asked for each change. */
    let isRoomy = outbox.hasRoomForChanges(limits.changesBytesMax);
    const fits = (more: number): boolean =>
      (isRoomy && bytes + more <= limits.changesBytesMax) || outbox.hasRoomForChanges(bytes + more);
    const writePart = (): void => {
      writeChanges(frame[frame.length - 1]?.n ?? position, true, frame);
      frame = [];
      bytes = changesOverheadBytes;
      isRoomy = outbox.hasRoomForChanges(limits.changesBytesMax);
    };
    for (const change of changes) {
      if (frame.length > 0 && bytes + change.bytes > limits.changesBytesMax) writePart();
      if (!fits(change.bytes)) {
        if (frame.length > 0) writePart();
        return false;
      }
      frame.push(change);
      bytes += change.bytes;
    }
    if (!fits(0)) return false;
    writeChanges(upTo, more, frame);
    return true;
  }

  function owe(): void {
    if (isOwing) return;
    isOwing = true;
    options.onOwing();
  }

  function payDebt(): void {
    if (isDue && mode === "live" && outbox.hasRoomForChanges(changesOverheadBytes)) writeChanges(position, false, []);
  }

  async function replay(): Promise<void> {
    if (isReading || mode !== "replaying") return;
    isReading = true;
    try {
      while (mode === "replaying") {
        isBlocked = !outbox.hasRoomForChanges(limits.changesBytesMax);
        if (isBlocked) return;
        await options.pay(costs.page);
        if (!isReplaying()) return;
        const room = outbox.room();
        const rows = Math.max(1, Math.min(limits.pageChangesMax, Math.floor(room / besideTextBytes)));
        const page = atLevel(level, await options.readPage(position, { rows, bytes: Math.min(room, pageBytes) }));
        if (!isReplaying()) return;
        const before = position;
        options.spend(costOf(page));
        if (!takePage(page)) return;
        if (!isReplaying()) return;
        // A page that brings nothing, though there is news, comes from a copy of the database that lags behind.
        const isStale = position === before && page.changes.length === 0;
        await new Promise<void>((resolve) => (isStale ? clock.after(staleMs, resolve) : clock.defer(resolve)));
      }
    } catch (fault) {
      options.onFault(fault);
    } finally {
      isReading = false;
    }
  }

  // The compiler cannot see that the mode may change across an await.
  const isReplaying = (): boolean => mode === "replaying";

  /** False where the outbox is full: a drain goes on. */
  function takePage(page: Page): boolean {
    const isNews = page.changes.length > 0 || isUnfinished;
    if (isNews && !writeFrames(encoded(page.changes), page.upTo, page.more)) {
      // What the page held beyond the room is read again later, in smaller pages: its texts take more as JSON than they are long.
      pageBytes = Math.max(pageBytesMin, Math.floor(pageBytes / 2));
      isBlocked = true;
      return false;
    }
    pageBytes = Math.min(limits.pageBytesMax, pageBytes * 2);
    if (!isNews && page.upTo > position) {
      position = page.upTo;
      owe();
    }
    if (!page.more && options.lastN() <= position) mode = "live";
    return true;
  }

  return {
    /** Reads on from the log, where there is room. */
    resume(): void {
      if (mode !== "replaying" || isReading || (isBlocked && !outbox.isDrained())) return;
      void replay();
    },
    /** Takes a change of the commit at hand; null where its sender has it as `accepted` on this very connection. */
    offer(change: WireChange | null, upTo: number): void {
      if (mode !== "live" || upTo <= position) return;
      if (change && change.n > position) offered.push(change);
      offeredUpTo = upTo;
    },
    /** Sends what was offered, or goes back to the log. */
    flush(): void {
      if (mode !== "live") return;
      if (offeredUpTo <= position) return payDebt();
      const changes = offered;
      offered = [];
      if (outbox.hasHeldAnswers() || (changes.length > 0 && !writeFrames(changes, offeredUpTo, false))) {
        mode = "replaying";
        isBlocked = true;
      } else if (changes.length === 0) {
        position = offeredUpTo;
        owe();
        payDebt();
      }
    },
    /** Tells the client a position that moved without a frame. */
    settleDebt(): void {
      isDue = isOwing;
      payDebt();
    },
    isBlocked: (): boolean => mode === "replaying" && isBlocked,
    position: (): number => position,
    stop(): void {
      mode = "stopped";
      offered = [];
    },
  };
}

export type Replay = ReturnType<typeof createReplay>;
