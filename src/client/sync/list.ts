import type { Conversation, ConversationList } from "../api.ts";
import type { Environment } from "../environment.ts";
import { createSource, type Readable } from "../readable.ts";
import type { ConversationRow } from "../vault/rows.ts";
import type { Cache } from "./cache.ts";
import type { Keeper } from "./keeper.ts";
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

/** How many rows are read or asked for at a time. */
export const listPage = 50;
/** How many counts that are not exact are asked for at a time, and how often each in one connection: it may have changed meanwhile. */
const askingMax = 4;
const triesMax = 5;
const retryMs = 1_000;

export function createList(options: ListOptions): List {
  const { clock, self, cache, keeper, pages, wishes, onFault } = options;
  const made = new Map<string, { readonly of: ConversationRow; readonly shown: Conversation }>();
  const views = new Map<string, Set<() => void>>();
  /** Where the server's list goes on. `unknown`: nobody has asked yet in this process. */
  let next: { readonly after: string | null } | "end" = { after: null };
  let more: ConversationList["more"] = "more";
  let link: "down" | "up" = "down";
  const asking = new Set<string>();
  const tries = new Map<string, number>();
  const list = createSource<ConversationList>({ conversations: [], more }, { onFault });
  const unread = createSource<Unread>({ messages: 0, conversations: 0, isExact: false }, { onFault });

  function shownOf(row: ConversationRow): Conversation {
    const wish = wishes.mute(row);
    const isMuted = wish?.muted ?? row.muted;
    const mutedUntil = (wish === null ? row.mutedUntil : wish.until) ?? null;
    const before = made.get(row.id);
    if (before?.of === row && before.shown.isMuted === isMuted && before.shown.mutedUntil === mutedUntil) return before.shown;
    const { id, with: user, last, own, peer, isExact } = row;
    const lastState = last?.from === self ? sentState(last.seq, peer) : null;
    const shown = { id, with: user, last, lastState, unread: row.unread, isExact, own, peer, isMuted, mutedUntil };
    made.set(id, { of: row, shown });
    return shown;
  }

  function refresh(): void {
    const rows = [...cache.conversations.values()].filter((row) => row.rank >= cache.floor() && row.last !== null);
    const conversations = rows.sort((a, b) => b.rank - a.rank).map(shownOf);
    const before = list.get();
    const isSame = conversations.length === before.conversations.length && conversations.every((one, at) => one === before.conversations[at]);
    if (!isSame || before.more !== more) list.set({ conversations: isSame ? before.conversations : conversations, more });
    const counted = conversations.filter((one) => one.unread > 0);
    const sum = {
      messages: counted.reduce((total, one) => total + one.unread, 0),
      conversations: counted.length,
      isExact: more === "end" && conversations.every((one) => one.isExact),
    };
    const known = unread.get();
    if (sum.messages !== known.messages || sum.conversations !== known.conversations || sum.isExact !== known.isExact) unread.set(sum);
  }

  function setMore(to: ConversationList["more"]): void {
    more = to;
    refresh();
  }

  /** A page of the device's own list; when it has no more, of the server's. */
  async function load(): Promise<void> {
    if (cache.floor() > Number.NEGATIVE_INFINITY) {
      const rows = await keeper.vault().conversations({ below: cache.floor(), limit: listPage });
      cache.addPage(rows, rows.length < listPage);
      if (rows.length > 0) return setMore("more");
    }
    await fetchPage();
  }

  async function fetchPage(): Promise<void> {
    if (next === "end") return setMore("end");
    const page = await pages.conversations(next.after);
    if (page === null) return setMore("unreachable");
    next = page.next === null ? "end" : { after: page.next };
    const conversations = page.conversations.map((listed) => ({ kind: "listed", listed }) as const);
    if (conversations.length > 0) await keeper.write({ conversations }, "relaxed");
    setMore(next === "end" ? "end" : "more");
  }

  const run = (work: Promise<void>): void => {
    work.catch((fault: unknown) => {
      onFault(fault);
      setMore("unreachable");
    });
  };

  /** Counts that may be wrong are asked for. */
  function askCounts(): void {
    if (link === "down") return;
    for (const row of cache.conversations.values()) {
      const tried = tries.get(row.id) ?? 0;
      // Before the server has this device's own mark, its count is of an older one.
      const isAhead = cache.wishes.has(`read ${row.id}`);
      if (row.isExact || isAhead || asking.has(row.id) || asking.size >= askingMax || tried >= triesMax) continue;
      asking.add(row.id);
      tries.set(row.id, tried + 1);
      askCount(row.id)
        .catch(onFault)
        .finally(() => {
          const again = (): void => {
            asking.delete(row.id);
            askCounts();
          };
          if (cache.conversations.get(row.id)?.isExact === false) clock.after(retryMs * (tried + 1), again);
          else again();
        });
    }
  }

  async function askCount(id: string): Promise<void> {
    const listed = await pages.conversation({ id });
    if (listed !== null && listed !== "none") await keeper.write({ conversations: [{ kind: "listed", listed }] }, "relaxed");
  }

  cache.subscribe((change) => {
    if (change.of === "all" && change.isReset) next = { after: null };
    if (change.of === "relations" || change.of === "outbox") return;
    refresh();
    askCounts();
    if (change.of === "conversation" && change.id !== null) for (const call of [...(views.get(change.id) ?? [])]) call();
    else for (const calls of views.values()) for (const call of [...calls]) call();
  });

  return {
    unread,
    conversations: {
      get: list.get,
      subscribe: list.subscribe,
      loadMore() {
        if (more === "loading" || more === "end") return;
        setMore("loading");
        run(load());
      },
    },
    conversation(id) {
      const get = (): Conversation | null => {
        const row = cache.conversations.get(id);
        return row === undefined ? null : shownOf(row);
      };
      return {
        get,
        subscribe(listener) {
          const calls = views.get(id) ?? new Set();
          views.set(id, calls.add(listener));
          return () => {
            calls.delete(listener);
            if (calls.size === 0) views.delete(id);
          };
        },
      };
    },
    begin(isFresh) {
      link = "up";
      tries.clear();
      if (isFresh || more === "unreachable" || cache.conversations.size === 0) run(fetchPage());
      askCounts();
    },
    end() {
      link = "down";
    },
  };
}
