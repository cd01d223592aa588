import type { Conversation, ConversationList } from "../api.ts";
import type { Environment } from "../environment.ts";
import { createSource, type Readable, type Source } from "../readable.ts";
import { sameOr } from "../same.ts";
import type { ConversationRow } from "../vault/rows.ts";
import type { Cache } from "./cache.ts";
import { createCounts } from "./counts.ts";
import type { Keeper } from "./keeper.ts";
import { createListOrder } from "./list-order.ts";
import { createListPages } from "./list-pages.ts";
import type { Pages } from "./pages.ts";
import { peerMarks, sentState } from "./thread-rows.ts";
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
  const pages = createListPages({ ...options, onChange: publish });
  const counts = createCounts(options);
  const order = createListOrder();
  /** One source for each conversation that is looked at: its value counts the changes. */
  const views = new Map<string, Source<number>>();
  /** Conversations with a mute that waits for the server. */
  let muting: readonly string[] = [];
  const list = createSource<ConversationList>({ conversations: [], more: pages.more() }, { onFault });
  const unread = createSource<Unread>(noUnread, { onFault });

  function place(id: string): void {
    const row = cache.conversations.get(id);
    const isListed = row !== undefined && row.rank >= cache.floor() && row.last !== null;
    order.put(id, isListed ? { rank: row.rank, shown: shown(row) } : null);
  }

  function placeAll(): void {
    order.clear();
    for (const id of cache.conversations.keys()) place(id);
  }

  function placeMuting(): void {
    const before = muting;
    muting = [...cache.wishes.values()].flatMap((wish) => (wish.kind === "mute" ? [wish.conversation] : []));
    for (const id of new Set([...before, ...muting])) place(id);
  }

  function publish(): void {
    const more = pages.more();
    const before = list.get();
    const conversations = sameItems(before.conversations, order.conversations());
    if (conversations === before.conversations && more === before.more) return;
    list.set({ conversations, more });
    const sum = { messages: 0, conversations: 0, isExact: more === "end" };
    for (const shown of conversations) {
      sum.messages += shown.unread;
      if (shown.unread > 0) sum.conversations++;
      sum.isExact &&= shown.isExact;
    }
    unread.set(sameOr(unread.get(), sum));
  }

  function notify(ids: Iterable<string>): void {
    for (const id of ids) {
      const view = views.get(id);
      view?.set(view.get() + 1);
    }
  }

  cache.subscribe((change) => {
    if (change.of === "all" && change.isReset) pages.restart();
    if (change.of === "relations" || change.of === "outbox") return;
    const ids = change.of === "conversations" ? change.messages?.keys() : undefined;
    const changed = ids === undefined ? null : [...ids];
    if (changed !== null) changed.forEach(place);
    else if (change.of === "wishes") placeMuting();
    else placeAll();
    publish();
    counts.check(changed);
    notify(changed ?? [...views.keys()]);
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
        const onWatched = (isWatched: boolean): unknown => isWatched || views.delete(id);
        const view = views.get(id) ?? createSource(0, { onFault, onWatched });
        views.set(id, view);
        return view.subscribe(listener);
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

/** Makes the snapshot of a row: the same object until something of it has changed. */
function createShown({ self, wishes }: Pick<ListOptions, "self" | "wishes">): (row: ConversationRow) => Conversation {
  const made = new WeakMap<ConversationRow, Conversation>();
  return (row) => {
    const wish = wishes.mute(row);
    const isMuted = wish?.muted ?? row.setting.muted;
    const mutedUntil = (wish === null ? row.setting.until : wish.until) ?? null;
    const before = made.get(row);
    if (before?.isMuted === isMuted && before.mutedUntil === mutedUntil) return before;
    const { id, with: user, last, own, isExact, unread } = row;
    const peer = peerMarks(row, self);
    const lastState = last?.from === self ? sentState(last.seq, peer) : null;
    const shown = { id, with: user, last, lastState, unread, isExact, own, peer, isMuted, mutedUntil };
    made.set(row, shown);
    return shown;
  };
}

/** The array before, if the next one has the same items. */
const sameItems = <Item>(before: readonly Item[], next: readonly Item[]): readonly Item[] =>
  next.length === before.length && next.every((item, at) => item === before[at]) ? before : next;
