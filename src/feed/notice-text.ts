import type { AudienceRows, DividedNotice, Row } from "./assembly.ts";
import { audienceChars } from "./audience.ts";
import { logKinds } from "../log/log-kinds.ts";
import type { LogEntry } from "../model.ts";

type Parsed = Readonly<Record<"from" | "to" | "entries" | "kinds" | "for" | "all" | "rows", unknown>>;

/** A node of a newer release wrote an entry of this kind: to ignore it would be to lose it. */
export type Unknown = { readonly unknown: string };

/** A stretch with all its entries, or with none: those are to be read from the store. */
export type WholeNotice = { readonly from: number; readonly to: number; readonly entries?: readonly LogEntry[] };

/** The notice of a text; null: it is none of ours. */
export function parseText(text: string): WholeNotice | DividedNotice | Unknown | null {
  const parsed = parse(text);
  if (parsed === null) return null;
  const { from, to, entries } = parsed;
  if (!isPosition(from) || !isPosition(to) || from > to) return null;
  if (typeof parsed.for === "string") return dividedOf(parsed, { from, to });
  if (entries === undefined) return { from, to };
  if (!Array.isArray(entries)) return null;
  const kinds: (string | null)[] = entries.map(kindOf);
  const unknown = unknownOf(kinds);
  if (typeof unknown === "string") return { unknown };
  if (entries.every(isEntry)) return { from, to, entries };
  // Of a known kind, but with other fields than here: the entry in the store counts.
  return kinds.includes(null) ? null : { from, to };
}

type Positions = { readonly from: number; readonly to: number };

/** A divided notice; one that cannot be read is one without entries. */
function dividedOf(parsed: Parsed, positions: Positions): WholeNotice | DividedNotice | Unknown {
  const { kinds, all } = parsed;
  const names = String(parsed.for);
  const unknown = Array.isArray(kinds) ? unknownOf(kinds) : undefined;
  if (typeof unknown === "string") return { unknown };
  if (names.length % audienceChars !== 0 || !Array.isArray(all) || !all.every(isRow)) return positions;
  const audiences = Array.from({ length: names.length / audienceChars }, (_, i) =>
    names.slice(i * audienceChars, (i + 1) * audienceChars),
  );
  return { ...positions, audiences, rows: all };
}

const rowsStart = '{"from":';

/** Whether a text for a user's nodes has rows; the others are messages beside the log. */
export const isRowsText = (text: string): boolean => text.startsWith(rowsStart);

/** The rows of a text; null: it has none, or such as are to be read from the store. */
export function parseRows(text: string): AudienceRows | Unknown | null {
  const parsed = isRowsText(text) ? parse(text) : null;
  if (parsed === null) return null;
  const { from, to, for: audience, rows } = parsed;
  if (!isPosition(from) || !isPosition(to) || typeof audience !== "string" || !Array.isArray(rows)) return null;
  const unknown = unknownOf(rows.map((row: unknown) => (Array.isArray(row) ? kindOf(row[1]) : null)));
  if (typeof unknown === "string") return { unknown };
  return rows.every(isRow) ? { from, to, audience, rows } : null;
}

function parse(text: string): Parsed | null {
  try {
    return JSON.parse(text) as Parsed | null;
  } catch {
    return null;
  }
}

const isPosition = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;

const fieldsOf = new Map(Object.entries(logKinds).map(([kind, { fields }]) => [kind, Object.entries(fields)]));

const unknownOf = (kinds: readonly unknown[]): unknown =>
  kinds.find((kind) => typeof kind === "string" && !fieldsOf.has(kind));

/** The kind of an entry; null: the value is no entry. */
function kindOf(value: unknown): string | null {
  if (typeof value !== "object" || value === null) return null;
  const { tenant, users, change } = value as { tenant?: unknown; users?: unknown; change?: unknown };
  if (typeof tenant !== "string" || !Array.isArray(users) || typeof change !== "object" || change === null) return null;
  const { kind, n } = change as { kind?: unknown; n?: unknown };
  return typeof kind === "string" && isPosition(n) && users.every((user) => typeof user === "string") ? kind : null;
}

function isEntry(value: unknown): value is LogEntry {
  const kind = kindOf(value);
  if (kind === null) return false;
  const { change } = value as { change: Readonly<Record<string, unknown>> };
  return fieldsOf.get(kind)?.every(([name, type]) => typeof change[name] === type) ?? false;
}

const isRow = (value: unknown): value is Row => Array.isArray(value) && isPosition(value[0]) && isEntry(value[1]);
