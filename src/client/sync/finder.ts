import { mergeConversation } from "../vault/merge.ts";
import type { ConversationRow, MessageRow, Target } from "../vault/rows.ts";
import type { Cache } from "./cache.ts";
import { heldOf } from "./history.ts";
import type { Keeper } from "./keeper.ts";
import type { Pages } from "./pages.ts";
import { heldRow, queryOf } from "./target.ts";

/** `none`: there is no such conversation. `unreachable`: the server cannot be asked now. */
export type Found = ConversationRow | "none" | "unreachable";

/** A conversation with its newest messages, as the server has sent them. */
export type FirstPage = { readonly row: ConversationRow; readonly messages: readonly MessageRow[] };

/** Finds the conversation of a target: on the device, else on the server. */
export interface Finder {
  find(where: "device" | "anywhere"): Promise<Found>;
  /** Asks the server before the vault is open: a later `find` takes this answer. */
  ask(): void;
  /** Asks the server for the conversation again, if it is known: something may have changed before the first connection of the device. */
  renew(): void;
}

export type FinderOptions = {
  readonly cache: Cache;
  readonly keeper: Keeper;
  readonly pages: Pages;
  /** Called with what the server has sent, before that is written, if a reader can begin there: at the first unread message, not behind it. */
  readonly onPage: (page: FirstPage) => void;
  readonly onFault: (fault: unknown) => void;
};

const noRanks = { up: () => 0, down: () => 0 };

export function createFinder(target: Target, { cache, keeper, pages, onPage, onFault }: FinderOptions): Finder {
  const of = queryOf(target);
  /** The question that is under way, or whose answer no `find` has taken yet. An answer from before a reset is none. */
  let asked: { readonly resets: number; readonly answer: Promise<Found> } | null = null;

  function question(): Promise<Found> {
    const resets = cache.resets();
    if (asked?.resets !== resets) asked = { resets, answer: fetch(resets) };
    return asked.answer;
  }

  /** Conversation and messages are asked for at once, and written together. */
  async function fetch(resets: number): Promise<Found> {
    const beginning = await pages.beginning(of);
    if (beginning === null) return "unreachable";
    if (beginning === "none") return "none";
    const { listed, messages, history } = beginning;
    const first = messages[0]?.seq;
    const patch = { kind: "listed", listed } as const;
    const row = mergeConversation(null, { patch, ranks: noRanks });
    const isBeginning = first !== undefined && (row.unread === 0 || first <= row.own.read + 1);
    if (isBeginning && resets === cache.resets()) onPage({ row, messages });
    const write = { messages, conversations: [patch, ...heldOf(listed.id, messages)], resets, history };
    const { conversations, isOutdated } = await keeper.write(write, "relaxed");
    if (isOutdated && resets !== cache.resets()) return await question();
    return (isOutdated ? undefined : conversations[0]) ?? "unreachable";
  }

  async function find(where: "device" | "anywhere"): Promise<Found> {
    const held = heldRow(target, cache) ?? (await keeper.vault().conversation(of));
    const known = held?.last ? held : null;
    if (known === null && where === "device") return "none";
    try {
      return known ?? (await question());
    } finally {
      asked = null;
    }
  }

  async function renew(): Promise<void> {
    const resets = cache.resets();
    const listed = await pages.conversation(of);
    if (listed === null || listed === "none") return;
    await keeper.write({ conversations: [{ kind: "listed", listed }], resets }, "relaxed");
  }

  return {
    async find(where) {
      const found = await find(where);
      // Its first message may have come while the server was asked.
      const row = heldRow(target, cache) ?? found;
      if (typeof row !== "string") cache.hold(row);
      return row;
    },
    renew: () => void (heldRow(target, cache) !== null && renew().catch(onFault)),
    ask() {
      // If the storage cannot be opened, a later `find` asks anew.
      question().catch(() => void (asked = null));
    },
  };
}
