import type { Clock } from "../internal/clock.ts";
import type { LogEntry } from "../model.ts";
import type { Audiences } from "./audience.ts";

/** An entry and its place among the entries of its stretch. */
export type Row = readonly [place: number, entry: LogEntry];

/** A stretch of a commit, of which only the rows for all nodes come with the notice. */
export type DividedNotice = {
  readonly from: number;
  readonly to: number;
  /** The audiences that have other rows in it. */
  readonly audiences: readonly string[];
  readonly rows: readonly Row[];
};

/** The rows of one audience in a stretch. */
export type AudienceRows = {
  readonly from: number;
  readonly to: number;
  readonly audience: string;
  readonly rows: readonly Row[];
};

/** A stretch of a commit with the entries that this node needs, or with none: those are to be read from the store. */
export type AssembledStretch = {
  readonly from: number;
  readonly to: number;
  readonly entries?: readonly LogEntry[];
  /** Whether the entries are still all that this node needs; absent: they are all of the commit. */
  readonly isStillWhole?: () => boolean;
};

export type AssemblyOptions = {
  readonly clock: Pick<Clock, "after">;
  readonly audiences: Pick<Audiences, "needsAll" | "has" | "additions">;
  /** Every entry up to here is known: nothing that ends before it is of use. */
  readonly position: () => number;
  readonly onStretch: (stretch: AssembledStretch) => void;
};

/** How long a notice waits for rows that did not come before it. */
const waitMs = 30;
/** Stretches that are kept until the other part of them comes, and the rows in them; the oldest are dropped, and read from the log. */
const stretchesMax = 512;
const rowsMax = 8_192;

type Stretch = {
  readonly to: number;
  readonly rows: Map<string, readonly Row[]>;
  notice: DividedNotice | null;
  cancel: () => void;
};

/**
 * Puts the rows for this node's users together with the notice of their stretch. They come as messages of their own, usually before the notice, and any
 * of them may be late, doubled or lost: then the stretch goes on without entries, and the log is read.
 */
export function createAssembly({ clock, audiences, position, onStretch }: AssemblyOptions) {
  const stretches = new Map<string, Stretch>();
  let rowCount = 0;

  function forget(key: string): void {
    const stretch = stretches.get(key);
    if (!stretch) return;
    stretch.cancel();
    stretches.delete(key);
    for (const rows of stretch.rows.values()) rowCount -= rows.length;
  }

  function find(from: number, to: number): Stretch {
    const key = `${from} ${to}`;
    const known = stretches.get(key);
    if (known) return known;
    const stretch: Stretch = { to, rows: new Map(), notice: null, cancel: () => {} };
    stretches.set(key, stretch);
    return stretch;
  }

  /** Forgets what the position has passed, and the oldest beyond the bounds. */
  function trim(): void {
    // Those behind one that waits are found later: this runs for each message.
    for (const [key, { to }] of stretches) {
      if (to > position()) break;
      forget(key);
    }
    for (const [key, { to, notice }] of stretches) {
      if (stretches.size <= stretchesMax && rowCount <= rowsMax) return;
      forget(key);
      if (notice) onStretch({ from: notice.from, to });
    }
  }

  /** Whether all rows that this node needs are in a stretch. */
  function isWhole(names: readonly string[], has: (audience: string) => boolean): boolean {
    return !audiences.needsAll() && names.every((audience) => !audiences.has(audience) || has(audience));
  }

  /** Passes a stretch on if all its rows are here. */
  function complete({ from, to, audiences: names, rows }: DividedNotice): boolean {
    const parts = stretches.get(`${from} ${to}`)?.rows ?? new Map<string, readonly Row[]>();
    const has = (audience: string): boolean => parts.has(audience);
    if (!isWhole(names, has)) return false;
    forget(`${from} ${to}`);
    const byPlace = new Map(rows);
    for (const audience of names) for (const [place, entry] of parts.get(audience) ?? []) byPlace.set(place, entry);
    const entries = [...byPlace].toSorted(([a], [b]) => a - b).map(([, entry]) => entry);
    const additions = audiences.additions();
    // A user may come here while the stretch waits for the ones before it.
    const isStillWhole = (): boolean => audiences.additions() === additions || isWhole(names, has);
    onStretch({ from, to, entries, isStillWhole });
    return true;
  }

  return {
    addRows({ from, to, audience, rows }: AudienceRows): void {
      if (to <= position() || audiences.needsAll() || !audiences.has(audience)) return;
      const stretch = find(from, to);
      if (stretch.rows.has(audience)) return;
      stretch.rows.set(audience, rows);
      rowCount += rows.length;
      if (stretch.notice) complete(stretch.notice);
      trim();
    },
    addNotice(notice: DividedNotice): void {
      const { from, to } = notice;
      if (to <= position() || complete(notice)) return;
      const stretch = find(from, to);
      if (stretch.notice) return;
      stretch.notice = notice;
      stretch.cancel = clock.after(waitMs, () => {
        forget(`${from} ${to}`);
        onStretch({ from, to });
      });
      trim();
    },
    stop(): void {
      for (const key of [...stretches.keys()]) forget(key);
    },
    size: (): number => stretches.size,
  };
}
