import type { Conversation, ConversationList } from "../api.ts";
import type { Environment } from "../environment.ts";
import { createSource, type Readable } from "../readable.ts";
import type { ConversationRow } from "../vault/rows.ts";
import type { Cache } from "./cache.ts";
import { createCounts } from "./counts.ts";
import type { Keeper } from "./keeper.ts";
import { createListPages } from "./list-pages.ts";
import type { Pages } from "./pages.ts";
import { sentState } from "./thread-rows.ts";
import type { Wishes } from "./wishes.ts";

/** The list of conversations: what the device holds, and further pages from the server. */
export interface List {
  readonly conversations: Readable<ConversationList> & { loadMore(): void };
  readonly unread: Readable<Unread>;
  conversation(id: string): Readable<Conversation | null>;
  /** A connection has caught up. `isFresh`: the device knew nothing before. */
  begin(isFresh: boolean): void;
  end(): void;
}

export type Unread = { readonly messages: number; readonly conversations: number; readonly isExact: boolean };

export type ListOptions = {
  readonly clock: Environment["clock"];
  readonly self: string;
  readonly cache: Cache;
  readonly keeper: Keeper;
  readonly pages: Pages;
  readonly wishes: Wishes;
  readonly onFault: (fault: unknown) => void;
};

const noUnread: Unread = { messages: 0, conversations: 0, isExact: false };

export function createList(options: ListOptions): List {
  const { cache, onFault } = options;
  const shown = createShown(options);
  const pages = createListPages({ ...options, onChange: refresh });
  const counts = createCounts(options);
  /** Who looks at one conversation. */
  const views = new Map<string, Set<() => void>>();
  const list = createSource<ConversationList>({ conversations: [], more: pages.more() }, { onFault });
  const unread = createSource<Unread>(noUnread, { onFault });

  function refresh(): void {
    const rows = [...cache.conversations.values()].filter((row) => row.rank >= cache.floor() && row.last !== null);
    const conversations = rows.sort((a, b) => b.rank - a.rank).map(shown);
    const before = list.get();
    const more = pages.more();
    const isSame =
      conversations.length === before.conversations.length &&
      conversations.every((one, at) => one === before.conversations[at]);
    if (!isSame || before.more !== more)
      list.set({ conversations: isSame ? before.conversations : conversations, more });
    const sum = unreadOf(conversations, more === "end");
    if (JSON.stringify(sum) !== JSON.stringify(unread.get())) unread.set(sum);
  }

  function call(listeners: Iterable<() => void>): void {
    for (const listener of [...listeners]) listener();
  }

  cache.subscribe((change) => {
    if (change.of === "all" && change.isReset) pages.restart();
    if (change.of === "relations" || change.of === "outbox") return;
    refresh();
    counts.check();
    if (change.of === "conversation" && change.id !== null) call(views.get(change.id) ?? []);
    else for (const listeners of views.values()) call(listeners);
  });

  return {
    unread,
    conversations: { get: list.get, subscribe: list.subscribe, loadMore: pages.load },
    conversation: (id) => ({
      get() {
        const row = cache.conversations.get(id);
        return row === undefined ? null : shown(row);
      },
      subscribe(listener) {
        const listeners = views.get(id) ?? new Set();
        views.set(id, listeners.add(listener));
        return () => {
          listeners.delete(listener);
          if (listeners.size === 0) views.delete(id);
        };
      },
    }),
    begin(isFresh) {
      pages.begin(isFresh);
      counts.begin();
    },
    end() {
      pages.end();
      counts.end();
    },
  };
}

/** Makes what is shown of a row: the same object until something of it has changed. */
function createShown({ self, wishes }: Pick<ListOptions, "self" | "wishes">): (row: ConversationRow) => Conversation {
  const made = new Map<string, { readonly of: ConversationRow; readonly shown: Conversation }>();
  return (row) => {
    const wish = wishes.mute(row);
    const isMuted = wish?.muted ?? row.setting.muted;
    const mutedUntil = (wish === null ? row.setting.until : wish.until) ?? null;
    const before = made.get(row.id);
    const isSame = before?.of === row && before.shown.isMuted === isMuted && before.shown.mutedUntil === mutedUntil;
    if (isSame) return before.shown;
    const { id, with: user, last, own, peer, isExact, unread } = row;
    const lastState = last?.from === self ? sentState(last.seq, peer) : null;
    const shown = { id, with: user, last, lastState, unread, isExact, own, peer, isMuted, mutedUntil };
    made.set(id, { of: row, shown });
    return shown;
  };
}

function unreadOf(conversations: readonly Conversation[], isWhole: boolean): Unread {
  const counted = conversations.filter((one) => one.unread > 0);
  return {
    messages: counted.reduce((total, one) => total + one.unread, 0),
    conversations: counted.length,
    isExact: isWhole && conversations.every((one) => one.isExact),
  };
}
