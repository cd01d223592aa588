import type { ConversationPatch } from "../vault/merge.ts";
import { rangeAt } from "../vault/ranges.ts";
import type { ConversationRow, MessageRow } from "../vault/rows.ts";
import type { Cache } from "./cache.ts";
import type { Keeper } from "./keeper.ts";
import { type HistoryQuery, type Pages, pageSize } from "./pages.ts";

/** Loads messages that are next to each other: those that the device holds, else the server's, which are then held. */
export interface History {
  /** Null: the device does not hold them, and the server cannot be asked. */
  load(row: ConversationRow, at: HistoryQuery["at"]): Promise<readonly MessageRow[] | null>;
}

export type HistoryOptions = { readonly cache: Pick<Cache, "resets">; readonly keeper: Keeper; readonly pages: Pages };

export function createHistory({ cache, keeper, pages }: HistoryOptions): History {
  return {
    async load(row, at) {
      const held = heldRange(row, at);
      if (held !== null) {
        const messages = await keeper.vault().messages({ conversation: row.id, ...held });
        if (messages.length === held.last - held.first + 1) return messages;
      }
      const resets = cache.resets();
      const page = await pages.messages({ of: { id: row.id }, at });
      if (page === null) return null;
      const { messages } = page;
      if (messages.length === 0) return messages;
      const write = { ...page, conversations: heldOf(row.id, messages), resets };
      return (await keeper.write(write, "relaxed")).isOutdated ? null : messages;
    },
  };
}

/** What a write says of a page of history: that all of its messages are held. */
export function heldOf(conversation: string, messages: readonly MessageRow[]): readonly ConversationPatch[] {
  const [first, last] = [messages[0], messages.at(-1)];
  return first && last ? [{ kind: "held", conversation, first: first.seq, last: last.seq }] : [];
}

/** What of the device's own messages answers the question, as a page. Null: the server must be asked. */
function heldRange(
  row: ConversationRow,
  at: HistoryQuery["at"],
): { readonly first: number; readonly last: number } | null {
  const top = row.last?.seq ?? 0;
  const seq = seqAt(at, top);
  const range = rangeAt(row.ranges, seq);
  if (range === null) return null;
  const [first, last] = range;
  if (at === "newest" || "before" in at) return { first: Math.max(first, seq - pageSize + 1), last: seq };
  if ("after" in at) return { first: seq, last: Math.min(last, seq + pageSize - 1) };
  const half = Math.floor(pageSize / 2);
  return { first: Math.max(first, seq - half), last: Math.min(last, seq + half) };
}

/** The seq that a page must have. */
function seqAt(at: HistoryQuery["at"], top: number): number {
  if (at === "newest") return top;
  if ("before" in at) return at.before - 1;
  return "after" in at ? at.after + 1 : Math.min(at.around, top);
}
