import { createHash } from "node:crypto";
import type { MessageChange } from "../../support/client.ts";
import type { More } from "../../http/ask.ts";

/** A message of a history, and its position in the log. */
export type Entry = MessageChange & { readonly n: number };

/** A question; names and ids as in the address. */
export type Question = {
  readonly device?: string;
  readonly with?: string;
  readonly conversation?: string;
  readonly before?: number;
  readonly after?: number;
  readonly around?: number;
  readonly ids?: readonly string[];
  readonly from?: string;
  readonly since?: number;
  readonly until?: number;
  readonly undelivered?: true;
  readonly limit?: number;
};

export type Expected = { readonly messages: readonly Entry[]; readonly more: More };

/** A whole history and the devices' acks, as plain lists. */
export type HistoryModel = {
  readonly entries: readonly Entry[];
  /** By `user device`; a device without an entry is new. */
  readonly acked: ReadonlyMap<string, number>;
};

const limitDefault = 50;

/** The message id of a number. */
export const idOf = (number: number): string => {
  const hex = createHash("sha256").update(String(number)).digest("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join("-");
};

/** All messages that a question selects, in the order of the log, without pages. */
export function selected({ entries, acked }: HistoryModel, user: string, question: Question): readonly Entry[] {
  const { device = "default", limit: _, ...selectors } = question;
  const isList = Object.keys(selectors).filter((name) => name !== "device").length === 0;
  const start = acked.get(`${user} ${device}`) ?? newestAck(acked, user);
  return entries.filter(
    (entry) =>
      [entry.from, entry.to].includes(user) &&
      (question.with === undefined || (question.with !== user && [entry.from, entry.to].includes(question.with))) &&
      (question.conversation === undefined || entry.conversation === question.conversation) &&
      (question.ids === undefined || question.ids.includes(entry.id)) &&
      (question.from === undefined || entry.from === question.from) &&
      entry.time >= (question.since ?? 0) &&
      entry.time <= (question.until ?? Infinity) &&
      (!(isList || question.undelivered) || (entry.to === user && entry.n > start)),
  );
}

/** Where a new device starts. */
export const newestAck = (acked: ReadonlyMap<string, number>, user: string): number =>
  Math.max(0, ...[...acked].filter(([name]) => name.startsWith(`${user} `)).map(([, n]) => n));

/** The page that answers a question. */
export function pageOf(model: HistoryModel, user: string, question: Question): Expected {
  const all = selected(model, user, question);
  const { limit = limitDefault, before, after, around } = question;
  const cut = (from: number, to: number): Expected => ({
    messages: all.slice(from, to),
    more: { before: from > 0, after: to < all.length },
  });
  /** How many of them are below a seq. */
  const below = (seq: number): number => all.filter((entry) => entry.seq < seq).length;
  if (before !== undefined) return cut(Math.max(0, below(before) - limit), below(before));
  if (after !== undefined) return cut(below(after + 1), Math.min(all.length, below(after + 1) + limit));
  if (around !== undefined) {
    const middle = below(around);
    const room = Math.max(Math.floor(limit / 2), limit - (all.length - middle));
    const from = Math.max(0, middle - room);
    return cut(from, Math.min(all.length, middle + limit - (middle - from)));
  }
  const { device: _, limit: __, ...selectors } = question;
  const isFromOldest = question.ids !== undefined || question.undelivered || Object.keys(selectors).length === 0;
  return isFromOldest ? cut(0, Math.min(limit, all.length)) : cut(Math.max(0, all.length - limit), all.length);
}
