import type { Boot, DraftChange, Written } from "../vault/contract.ts";
import { isSameRow, sameOr } from "../same.ts";
import type { ConversationRow, MessageRow, OutboxRow, RelationRow, Wish } from "../vault/rows.ts";

/** An operation of the user, with what only this process knows of it. */
export type Pending = {
  readonly row: OutboxRow;
  /** `keeping`: its row is not on disk yet. `stalled`: nor is it after two seconds, and it is sent nevertheless. */
  readonly stage: "keeping" | "stalled" | "kept";
  /** Goes in the write that keeps the row. If that fails, in the one that brings its message. */
  readonly draft?: DraftChange;
};

export type Change =
  /** These conversations have changed, each with its new messages. Null: any of them. */
  | { readonly of: "conversations"; readonly messages: ReadonlyMap<string, readonly MessageRow[]> | null }
  | { readonly of: "outbox" }
  | { readonly of: "relations" }
  | { readonly of: "wishes" }
  /** Everything was read again. `isReset`: it is another history, and what windows show is not part of it. */
  | { readonly of: "all"; readonly isReset: boolean };

/** The part of the vault that this process holds: the first part of the list, open conversations, the outbox and the wishes. It changes only after a write has succeeded. */
export interface Cache {
  readonly conversations: ReadonlyMap<string, ConversationRow>;
  /** In the order of ids. */
  readonly pending: ReadonlyMap<string, Pending>;
  readonly wishes: ReadonlyMap<string, Wish>;
  readonly relations: ReadonlyMap<string, RelationRow>;
  /** How often the vault had been reset when it was read: the history that this process knows. */
  resets(): number;
  /** The contacts and blocks of the server were stored, as the vault said when it was last read. */
  isListed(): boolean;
  /** Rows of the list at and above this rank are held. */
  floor(): number;
  byUser(user: string): ConversationRow | null;
  /**
   * Takes the place of everything but relations, and rows that are being kept. Called as soon as the boot is read: what the vault is asked later comes later,
   * and must not be overwritten.
   */
  boot(boot: Boot): void;
  setRelations(relations: readonly RelationRow[]): void;
  /** A page of the list that follows the rows that are held. */
  addPage(rows: readonly ConversationRow[], isEnd: boolean): void;
  /** One row from outside the list; it stays as long as it is wanted. */
  hold(row: ConversationRow): void;
  apply(written: Written, news: News): void;
  setPending(id: string, pending: Pending | null): void;
  /** Rows of the outbox went out on a connection, or it has ended. */
  sendingChanged(): void;
  /** Outbox and wishes as the vault has them now: another tab changed them. */
  sync(boot: Pick<Boot, "outbox" | "wishes">): void;
  subscribe(listener: (change: Change) => void): () => void;
}

/** The other rows of a write, beside conversations and outbox. */
export type News = {
  readonly messages: readonly MessageRow[];
  readonly wishes: readonly Wish[];
  readonly granted: readonly Wish[];
};

export function createCache(): Cache {
  const conversations = new Map<string, ConversationRow>();
  const byUser = new Map<string, string>();
  let pending = new Map<string, Pending>();
  const wishes = new Map<string, Wish>();
  const relations = new Map<string, RelationRow>();
  const listeners = new Set<(change: Change) => void>();
  let floor = -Infinity;
  /** Of the cache that was read last; null: none was. */
  let resets: number | null = null;
  let isListed = false;

  const tell = (change: Change): void => {
    for (const listener of [...listeners]) listener(change);
  };

  function put(row: ConversationRow): void {
    conversations.set(row.id, row);
    if (row.with !== null) byUser.set(row.with, row.id);
  }

  /** A row that was read again and has not changed stays the same object, so that nothing is rendered for it. */
  function keptOf(row: OutboxRow): Pending {
    const known = pending.get(row.id);
    return known?.stage === "kept" && isSameRow(row, known.row) ? known : { row, stage: "kept" };
  }

  function replaceWaiting(boot: Pick<Boot, "outbox" | "wishes">): void {
    wishes.clear();
    for (const wish of boot.wishes) wishes.set(wish.key, wish);
    const next = new Map<string, Pending>(boot.outbox.map((row) => [row.id, keptOf(row)]));
    for (const [id, entry] of pending) if (entry.stage !== "kept" && !next.has(id)) next.set(id, entry);
    pending = new Map([...next].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  function forget(): void {
    conversations.clear();
    byUser.clear();
    relations.clear();
    floor = -Infinity;
  }

  return {
    conversations,
    get pending() {
      return pending;
    },
    wishes,
    relations,
    resets: () => resets ?? 0,
    isListed: () => isListed,
    floor: () => floor,
    byUser: (user) => conversations.get(byUser.get(user) ?? "") ?? null,
    boot(boot) {
      const known = new Map(conversations);
      conversations.clear();
      byUser.clear();
      for (const row of boot.conversations) put(sameOr(known.get(row.id), row));
      floor = boot.conversations.at(-1)?.rank ?? -Infinity;
      replaceWaiting(boot);
      // Another tab may have got the reset.
      const isReset = resets !== null && resets !== (boot.meta.resets ?? 0);
      resets = boot.meta.resets ?? 0;
      isListed = boot.meta.isListed === true;
      tell({ of: "all", isReset });
    },
    setRelations(rows) {
      const known = new Map(relations);
      relations.clear();
      for (const row of rows) relations.set(row.user, sameOr(known.get(row.user), row));
      tell({ of: "relations" });
    },
    addPage(rows, isEnd) {
      for (const row of rows) put(row);
      floor = isEnd ? -Infinity : (rows.at(-1)?.rank ?? floor);
      tell({ of: "conversations", messages: null });
    },
    hold: put,
    apply(written, news) {
      if (written.isReset) {
        forget();
        resets = written.resets;
      }
      for (const [id, row] of written.outbox)
        if (row === null) pending.delete(id);
        else pending.set(id, { row, stage: "kept" });
      for (const row of written.conversations) {
        const known = conversations.get(row.id);
        // An unchanged row stays the same object, so that it is not rendered again.
        if (known === undefined ? row.rank >= floor : !isSameRow(row, known)) put(row);
      }
      // The user may want something else meanwhile.
      for (const wish of news.granted) if (isSameRow(wish, wishes.get(wish.key))) wishes.delete(wish.key);
      for (const wish of news.wishes) wishes.set(wish.key, wish);
      for (const row of written.relations) relations.set(row.user, row);
      if (written.isReset) tell({ of: "all", isReset: true });
      if (written.conversations.length > 0) tell({ of: "conversations", messages: messagesOf(written, news) });
      if (written.outbox.size > 0) tell({ of: "outbox" });
      if (written.relations.length > 0) tell({ of: "relations" });
      if (news.granted.length + news.wishes.length > 0) tell({ of: "wishes" });
    },
    setPending(id, entry) {
      if (entry === null) pending.delete(id);
      else pending.set(id, entry);
      tell({ of: "outbox" });
    },
    sendingChanged: () => tell({ of: "outbox" }),
    sync(boot) {
      replaceWaiting(boot);
      tell({ of: "outbox" });
      tell({ of: "wishes" });
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}

/** The new messages of each conversation that a write named. */
function messagesOf(written: Written, news: News): ReadonlyMap<string, readonly MessageRow[]> {
  const messages = new Map<string, MessageRow[]>(written.conversations.map(({ id }) => [id, []]));
  for (const message of news.messages) messages.get(message.conversation)?.push(message);
  return messages;
}
