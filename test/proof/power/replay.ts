import { join } from "node:path";
import type { Event } from "../checker/checker.ts";
import { type Chance, createChance } from "../sim/chance.ts";
import { createDisk } from "./disk.ts";
import { drawLoss } from "./loss.ts";
import { losePower } from "./power-loss.ts";
import type { TraceRecord } from "./trace.ts";

export type ReplayOptions = {
  readonly records: readonly TraceRecord[];
  /** Decides where the power goes, and which changes the disk then has. */
  readonly seed: number;
  /** The most losses. */
  readonly points: number;
  /** For the files that are rebuilt. */
  readonly folder: string;
  readonly isOver?: () => boolean;
};

export type ReplayResult = { readonly tried: number; readonly violations: string[] };

/** Replays a recording and loses the power at one instant after the other. */
export async function replay(options: ReplayOptions): Promise<ReplayResult> {
  const { records, seed, points, folder, isOver = () => false } = options;
  const chance = createChance(seed);
  const disk = createDisk();
  const users = new Set(
    records.flatMap((one) => (one.type === "event" && one.event.type === "attempt" ? [one.event.from] : [])),
  );
  const events: Event[] = [];
  const violations: string[] = [];
  let tried = 0;
  let position = 0;
  for (const point of drawPoints(records, points, chance)) {
    if (isOver()) break;
    for (const record of records.slice(position, point)) {
      disk.apply(record);
      if (record.type === "event") events.push(record.event);
    }
    position = point;
    const found = await losePower({
      ...{ disk, events, chance, loss: drawLoss(chance), users: [...users] },
      folder: join(folder, `point-${point}`),
    });
    violations.push(...found.map((text) => `record ${point} of ${records.length}, ${text}`));
    tried++;
  }
  return { tried, violations };
}

/**
 * Positions in the trace, in order: right after an answer, where everything must be there and nothing is
 * synced any more; around an fsync; at rare records (openings, truncations, names); where a new process has reported its
 * findings and synced nothing yet; anywhere.
 */
function drawPoints(records: readonly TraceRecord[], count: number, chance: Chance): readonly number[] {
  const places = (is: (record: TraceRecord) => boolean): number[] =>
    records.flatMap((record, i) => (is(record) ? [i] : []));
  const answers = places((record) => record.type === "event" && record.event.type === "accepted");
  const firsts = firstSyncs(records);
  const syncs = places(({ type }) => type === "sync" || type === "sync folder");
  const rare = places(({ type }) => ["open", "truncate", "unlink", "rename"].includes(type));
  const points = Array.from({ length: count }, () => {
    const drawn = chance.unit();
    if (drawn < 0.3) return chance.pick(answers) + 1;
    if (drawn < 0.5) return chance.pick(syncs) + chance.between(-2, 2);
    if (drawn < 0.6) return chance.pick(rare) + chance.between(-3, 12);
    if (drawn < 0.7 && firsts.length > 0) return chance.pick(firsts);
    return chance.between(0, records.length);
  });
  return points.map((point) => Math.min(records.length, Math.max(0, point))).sort((a, b) => a - b);
}

/** Of each process the first fsync after it has reported a message to a client. */
function firstSyncs(records: readonly TraceRecord[]): readonly number[] {
  const found: number[] = [];
  let hasReported: boolean | null = null;
  records.forEach((record, i) => {
    if (record.type === "open" && record.path.endsWith("-wal")) hasReported = false;
    const isReport = record.type === "event" && (record.event.type === "accepted" || record.event.type === "seen");
    if (isReport && hasReported === false) hasReported = true;
    if (record.type !== "sync" || hasReported !== true) return;
    found.push(i);
    hasReported = null;
  });
  return found;
}
