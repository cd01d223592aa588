import { sameOr } from "../same.ts";
import type { ConversationRow, MessageRow } from "../vault/rows.ts";
import type { Cache } from "./cache.ts";
import type { Finder } from "./finder.ts";
import type { History } from "./history.ts";

/** How one end of a window is. `end`: the conversation has nothing further there. */
export type Edge = "loading" | "more" | "end" | "unreachable";

/** Part of a conversation in memory: messages without a hole between them. */
export type WindowState = {
  readonly row: ConversationRow | null;
  readonly messages: readonly MessageRow[];
  readonly before: Edge;
  readonly after: Edge;
  /** The messages are of a history that has ended: they are shown until those of the new one are here, and count for nothing. */
  readonly isPast: boolean;
};

/** A window over one conversation. It reads what the device holds, and asks the server for the rest. */
export interface MessageWindow {
  state(): WindowState;
  /** Shows the newest messages until they are written, if nothing is shown yet. */
  preview(row: ConversationRow, messages: readonly MessageRow[]): void;
  /** Shows the part around `at`; the present one stays until that is here. */
  show(at: "newest" | number): void;
  /** What it shows is of a history that has ended, or was of an earlier visit: shows the same part of the present one. */
  beginAnew(): void;
  loadBefore(): void;
  loadAfter(): void;
  /** The vault was read again: goes on where it is, with what another tab has stored meanwhile. */
  reload(): void;
  /** The server can be asked again. */
  online(): void;
  /** News of the conversation. */
  changed(row: ConversationRow, messages: readonly MessageRow[]): void;
  close(): void;
}

export type WindowOptions = {
  readonly find: Finder["find"];
  readonly cache: Cache;
  readonly history: History;
  readonly onChange: () => void;
  readonly onFault: (fault: unknown) => void;
};

/** How many messages a window holds at most. Beyond that it drops those at the other end. */
export const windowMax = 300;

const nothing: WindowState = { row: null, messages: [], before: "loading", after: "loading", isPast: false };

export function createWindow({ find, history, cache, onChange, onFault }: WindowOptions): MessageWindow {
  let state = nothing;
  /** Counts the moves of the window: messages that were loaded for an earlier one are not shown. */
  let move = 0;
  /** The last move that has come to its end. */
  let ended = -1;
  let wanted: "newest" | number = "newest";

  function set(next: Partial<WindowState>): void {
    state = { ...state, ...next };
    onChange();
  }

  async function begin(at: "newest" | number): Promise<void> {
    const mine = ++move;
    wanted = at;
    try {
      await fill(mine, at);
    } finally {
      if (mine === move) ended = mine;
    }
  }

  async function fill(mine: number, at: "newest" | number): Promise<void> {
    const found = await find("anywhere");
    if (mine !== move) return;
    if (found === "none") return set({ row: null, messages: [], before: "end", after: "end", isPast: false });
    if (found === "unreachable") return set({ before: "unreachable", after: "end" });
    const messages = await history.load(found, at === "newest" ? at : { around: at });
    if (mine !== move) return;
    const row = cache.conversations.get(found.id) ?? found;
    if (messages === null) return set({ row, before: "unreachable", after: "unreachable" });
    set({ row, messages: keepSame(state.messages, messages), ...edges(row, messages), isPast: false });
    if (at === "newest") catchUp();
  }

  async function extend(side: "before" | "after"): Promise<void> {
    const mine = move;
    const { row, messages } = state;
    const [first, last] = [messages[0], messages.at(-1)];
    if (row === null || first === undefined || last === undefined || state.isPast) return begin(wanted);
    set({ [side]: "loading" });
    const page = await history.load(row, side === "before" ? { before: first.seq } : { after: last.seq });
    if (mine !== move) return;
    if (page === null) return set({ [side]: "unreachable" });
    const joined = join(state.messages, page);
    const cut = side === "before" ? joined.slice(0, windowMax) : joined.slice(-windowMax);
    const now = cache.conversations.get(row.id) ?? row;
    // An empty page before the first one: earlier messages were deleted, or never existed.
    const isEnd = page.length === 0 && side === "before";
    set({ row: now, messages: cut, ...edges(now, cut), ...(isEnd && { before: "end" }) });
  }

  async function resume(): Promise<void> {
    // A move that is under way reads the vault itself; one that has begun to ask the server does not ask twice.
    if (ended !== move) return;
    const mine = move;
    const row = await find("device");
    if (mine !== move) return;
    if (typeof row === "string" && state.row === null) return;
    if (typeof row === "string" || state.messages.length === 0 || state.isPast) return begin(wanted);
    if (follows(state)) wanted = "newest";
    set({ row, ...edges(row, state.messages) });
    catchUp();
  }

  /** A window at the end that misses messages gets them, and those that come meanwhile, as long as there are any. */
  function catchUp(reached = 0): void {
    const [mine, last] = [move, state.messages.at(-1)?.seq ?? 0];
    if (state.after !== "more" || wanted !== "newest" || last <= reached) return;
    run(extend("after").then(() => void (mine === move && catchUp(last))));
  }

  const run = (work: Promise<void>): void => {
    const mine = move;
    work.catch((fault: unknown) => {
      onFault(fault);
      if (mine === move) set({ before: "unreachable", after: state.after === "end" ? "end" : "unreachable" });
    });
  };

  return {
    state: () => state,
    preview(row, messages) {
      if (state !== nothing || wanted !== "newest") return;
      const { after } = edges(row, messages);
      set({ row, messages, after: after === "end" ? after : "loading" });
    },
    show: (at) => run(begin(at)),
    beginAnew() {
      set({ isPast: true, before: "loading" });
      run(begin(wanted));
    },
    loadBefore() {
      if (state.before === "more" || state.before === "unreachable") run(extend("before"));
    },
    loadAfter() {
      if (state.after === "more" || state.after === "unreachable") run(extend("after"));
    },
    reload: () => run(resume()),
    online() {
      if (isMissing(state)) run(begin(wanted));
      else if (state.after === "unreachable") run(extend("after"));
    },
    changed(row, messages) {
      if (state.row !== null && state.row.id !== row.id) return;
      if (isMissing(state)) return run(begin(wanted));
      if (state.isPast) return;
      if (state.before === "loading" && state.messages.length === 0) return set({ row });
      const wasFollowing = follows(state) && (state.row !== null || state.before === "end");
      const cut = joinNear(state.messages, messages, wasFollowing);
      set({ row, messages: cut, ...edges(row, cut), ...(isToldOf(row, cut) && { before: "loading" }) });
      if (isToldOf(row, cut)) return run(begin(wanted));
      if (!wasFollowing) return;
      wanted = "newest";
      catchUp();
    },
    close: () => void move++,
  };
}

/** The list, or another tab, has told of messages where there were none when the conversation was looked for. */
const isToldOf = (row: ConversationRow, messages: readonly MessageRow[]): boolean =>
  messages.length === 0 && row.last !== null;

const edges = (row: ConversationRow, messages: readonly MessageRow[]): Pick<WindowState, "before" | "after"> => ({
  before: (messages[0]?.seq ?? 1) <= 1 ? "end" : "more",
  after: (messages.at(-1)?.seq ?? 0) >= (row.last?.seq ?? 0) ? "end" : "more",
});

/** `next`, with the objects of `held` that say the same: their rows are not rendered again. */
function keepSame(held: readonly MessageRow[], next: readonly MessageRow[]): readonly MessageRow[] {
  const bySeq = new Map(held.map((message) => [message.seq, message]));
  return next.map((message) => sameOr(bySeq.get(message.seq), message));
}

/** The window follows the newest message. */
const follows = ({ after }: WindowState): boolean => after === "end";

/** Nothing of the present history could be had yet: any news is a reason to try again. */
const isMissing = ({ before, isPast, messages }: WindowState): boolean =>
  before === "unreachable" && (isPast || messages.length === 0);

/** The messages of a window with the news that belong into it, or continue it. */
const joinNear = (held: readonly MessageRow[], news: readonly MessageRow[], follows: boolean): readonly MessageRow[] =>
  join(
    held,
    news.filter((message) => isNear(held, message, follows)),
  ).slice(-windowMax);

/** True: it belongs into the window, or continues it. */
function isNear(held: readonly MessageRow[], message: MessageRow, follows: boolean): boolean {
  const [first, last] = [held[0], held.at(-1)];
  if (first === undefined || last === undefined) return follows;
  return message.seq >= first.seq && (message.seq <= last.seq || (follows && message.seq > last.seq));
}

/** Both, in order, each seq once: the state of `news` counts. Only as far as no seq is missing. */
export function join(held: readonly MessageRow[], news: readonly MessageRow[]): readonly MessageRow[] {
  if (news.length === 0) return held;
  const bySeq = new Map(held.map((message) => [message.seq, message]));
  for (const message of news) bySeq.set(message.seq, sameOr(bySeq.get(message.seq), message));
  const all = [...bySeq.values()].sort((a, b) => a.seq - b.seq);
  const anchor = held[0] ?? news[0];
  let from = all.findIndex((message) => message.seq === anchor?.seq);
  let to = from;
  while (from > 0 && all[from - 1]?.seq === (all[from]?.seq ?? 0) - 1) from--;
  while (to + 1 < all.length && all[to + 1]?.seq === (all[to]?.seq ?? 0) + 1) to++;
  return all.slice(from, to + 1);
}
