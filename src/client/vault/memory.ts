import { type Boot, type Scope, type Storage, type Vault, VaultError, type Write, type Written } from "./contract.ts";
import { dropBelow } from "./ranges.ts";
import { messageKey, type RankEnds, type Resolved, resolveWrite } from "./resolve.ts";
import type { ConversationRow, MessageRow, Meta, OutboxRow, RelationRow, Wish } from "./rows.ts";

/** Everything of one scope. Rows are replaced and never changed. */
type Content = {
  meta: Meta;
  ranks: RankEnds;
  readonly outbox: Map<string, OutboxRow>;
  readonly wishes: Map<string, Wish>;
  readonly drafts: Map<string, string>;
  readonly relations: Map<string, RelationRow>;
  readonly conversations: Map<string, ConversationRow>;
  readonly byUser: Map<string, string>;
  /** By rank, the greatest first. */
  readonly list: ConversationRow[];
  /** Of each conversation, by seq. */
  readonly messages: Map<string, MessageRow[]>;
};

/** One scope on a disk, with the listeners that are called when it is destroyed. */
type Entry = { readonly scope: Scope; content: Content; readonly losses: Set<() => void> };

/** A state of a {@link MemoryDisk}, which later writes do not change. */
export type MemorySnapshot = {
  readonly contents: ReadonlyMap<string, { readonly scope: Scope; readonly content: Content }>;
};

/** What {@link memory} keeps its data in: a disk for the tabs of one process, and for a simulator, which takes it back to an earlier state. */
export interface MemoryDisk {
  /** The present state. */
  snapshot(): MemorySnapshot;
  /** Takes everything back to `snapshot`. Scopes that it does not have are destroyed; open vaults of the others go on with its data. */
  restore(snapshot: MemorySnapshot): void;
}

/** The entries of each disk; only `memory()` sees them. */
const entriesOf = new WeakMap<MemoryDisk, Map<string, Entry>>();

export function createMemoryDisk(): MemoryDisk {
  const entries = new Map<string, Entry>();
  const disk: MemoryDisk = {
    snapshot: () => ({
      contents: new Map([...entries].map(([key, { scope, content }]) => [key, { scope, content: copyOf(content) }])),
    }),
    restore({ contents }) {
      for (const key of entries.keys()) if (!contents.has(key)) remove(entries, key);
      for (const [key, { scope, content }] of contents) {
        const entry = entries.get(key);
        if (entry === undefined) entries.set(key, { scope, content: copyOf(content), losses: new Set() });
        else entry.content = copyOf(content);
      }
    },
  };
  entriesOf.set(disk, entries);
  return disk;
}

/**
 * Storage that ends with the process or page. Vaults of one scope share their data, as tabs share a disk.
 *
 * @example
 * const storage = memory();
 */
export function memory(disk: MemoryDisk = createMemoryDisk()): Storage {
  const entries = entriesOf.get(disk);
  if (entries === undefined) throw new TypeError("A disk is made by createMemoryDisk()");
  return {
    isNew: (scope) => !entries.has(keyOf(scope)),
    async open(scope, makeDevice) {
      const key = keyOf(scope);
      const entry = entries.get(key) ?? { scope, content: newContent(makeDevice()), losses: new Set() };
      entries.set(key, entry);
      return openVault(entry);
    },
    scopes: async () => [...entries.values()].map(({ scope }) => scope),
    destroy: async (scope) => remove(entries, keyOf(scope)),
  };
}

const keyOf = ({ url, tenant, user }: Scope): string => JSON.stringify([url, tenant, user]);

function remove(entries: Map<string, Entry>, key: string): void {
  const losses = entries.get(key)?.losses ?? [];
  entries.delete(key);
  for (const lose of [...losses]) lose();
}

const newContent = (device: string): Content => ({
  meta: { device, cursor: null, level: 0, identity: null },
  ranks: { top: 0, bottom: 0 },
  outbox: new Map(),
  wishes: new Map(),
  drafts: new Map(),
  relations: new Map(),
  conversations: new Map(),
  byUser: new Map(),
  list: [],
  messages: new Map(),
});

const copyOf = (content: Content): Content => ({
  meta: content.meta,
  ranks: content.ranks,
  outbox: new Map(content.outbox),
  wishes: new Map(content.wishes),
  drafts: new Map(content.drafts),
  relations: new Map(content.relations),
  conversations: new Map(content.conversations),
  byUser: new Map(content.byUser),
  list: [...content.list],
  messages: new Map([...content.messages].map(([id, rows]) => [id, [...rows]])),
});

/** The index of the first sorted row with a key of at least `wanted`. */
function indexOf<Row>(
  rows: readonly Row[],
  { keyOf: of, wanted }: { keyOf: (row: Row) => number; wanted: number },
): number {
  let [low, high] = [0, rows.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    const row = rows[middle];
    if (row !== undefined && of(row) < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}

const bySeq = ({ seq }: MessageRow): number => seq;
const byRank = ({ rank }: ConversationRow): number => -rank;
const byKey = (a: readonly [string, unknown], b: readonly [string, unknown]): number => (a[0] < b[0] ? -1 : 1);
const inOrder = <Row>(rows: ReadonlyMap<string, Row>): readonly Row[] => [...rows].sort(byKey).map(([, row]) => row);

function putConversation(content: Content, row: ConversationRow): void {
  const { conversations, list, byUser } = content;
  const before = conversations.get(row.id);
  if (before !== undefined) list.splice(indexOf(list, { keyOf: byRank, wanted: -before.rank }), 1);
  list.splice(indexOf(list, { keyOf: byRank, wanted: -row.rank }), 0, row);
  conversations.set(row.id, row);
  if (row.with !== null) byUser.set(row.with, row.id);
}

function putMessage({ messages }: Content, row: MessageRow): void {
  const rows = messages.get(row.conversation) ?? [];
  messages.set(row.conversation, rows);
  const at = indexOf(rows, { keyOf: bySeq, wanted: row.seq });
  rows.splice(at, rows[at]?.seq === row.seq ? 1 : 0, row);
}

function messagesIn(
  { messages }: Content,
  { conversation, first, last }: { readonly conversation: string; readonly first: number; readonly last: number },
): readonly MessageRow[] {
  const rows = messages.get(conversation) ?? [];
  const from = indexOf(rows, { keyOf: bySeq, wanted: first });
  return rows.slice(from, Math.max(from, indexOf(rows, { keyOf: bySeq, wanted: last + 1 })));
}

function apply(content: Content, resolved: Resolved): void {
  if (resolved.reset)
    for (const rows of [content.messages, content.conversations, content.byUser, content.relations]) rows.clear();
  if (resolved.reset) content.list.length = 0;
  content.meta = resolved.meta ?? content.meta;
  content.ranks = resolved.ranks ?? content.ranks;
  for (const row of resolved.messages) putMessage(content, row);
  for (const row of resolved.conversations) putConversation(content, row);
  for (const row of resolved.relations) content.relations.set(row.user, row);
  for (const row of resolved.outboxPut) content.outbox.set(row.id, row);
  for (const id of resolved.outboxDelete) content.outbox.delete(id);
  for (const [key, text] of resolved.drafts) {
    if (text === null) content.drafts.delete(key);
    else content.drafts.set(key, text);
  }
  for (const key of resolved.wishesDelete) content.wishes.delete(key);
  for (const wish of resolved.wishesPut) content.wishes.set(wish.key, wish);
}

function write(content: Content, changes: Write): Written {
  // A Map per kind with everything that is stored is a superset of what the write needs, without reading it.
  const messages = new Map(
    (changes.messages ?? []).flatMap(({ conversation, seq }) =>
      messagesIn(content, { conversation, first: seq, last: seq }).map((row) => [messageKey(conversation, seq), row]),
    ),
  );
  const resolved = resolveWrite(changes, { ...content, messages });
  apply(content, resolved);
  return resolved.written;
}

function evict(content: Content, wanted: number): number {
  let left = wanted;
  for (let at = content.list.length - 1; at >= 0 && left > 0; at -= 1) {
    const row = content.list[at];
    const rows = row === undefined ? [] : (content.messages.get(row.id) ?? []);
    const gone = rows.splice(0, left);
    const last = gone.at(-1);
    if (row === undefined || last === undefined) continue;
    putConversation(content, { ...row, ranges: dropBelow(row.ranges, last.seq + 1) });
    left -= gone.length;
  }
  return wanted - left;
}

function openVault(entry: Entry): Vault {
  const listeners = new Set<() => void>();
  let end: "lost" | "closed" | null = null;
  const lose = (): void => {
    end = "lost";
    entry.losses.delete(lose);
    for (const listener of [...listeners]) listener();
  };
  entry.losses.add(lose);
  /** Does it at once, so that calls take effect in their order. */
  const run = async <Result>(call: (content: Content) => Result): Promise<Result> => {
    if (end === "lost") throw new VaultError("lost", "This vault was deleted");
    if (end === "closed") throw new VaultError("failed", "This vault is closed");
    return call(entry.content);
  };
  return {
    kind: "memory",
    boot: (conversations) =>
      run(({ meta, outbox, wishes, list }): Boot => ({
        meta,
        outbox: inOrder(outbox),
        wishes: inOrder(wishes),
        conversations: list.slice(0, conversations),
      })),
    write: (changes) => run((content) => write(content, changes)),
    messages: (range) => run((content) => messagesIn(content, range)),
    conversations: ({ below, limit }) =>
      run(({ list }) => {
        const at = indexOf(list, { keyOf: byRank, wanted: -below });
        const from = list[at]?.rank === below ? at + 1 : at;
        return list.slice(from, from + limit);
      }),
    conversation: (key) =>
      run(
        ({ conversations, byUser }) => conversations.get("id" in key ? key.id : (byUser.get(key.with) ?? "")) ?? null,
      ),
    relations: () => run(({ relations }) => inOrder(relations)),
    draft: (key) => run(({ drafts }) => drafts.get(key) ?? null),
    evict: (wanted) => run((content) => evict(content, wanted)),
    onLost: (listener) => void listeners.add(listener),
    close() {
      end ??= "closed";
      entry.losses.delete(lose);
    },
  };
}
