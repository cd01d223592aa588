import { type Boot, type Scope, type Storage, type Vault, VaultError, type Write, type Written } from "./contract.ts";
import { dropBelow } from "./ranges.ts";
import { messageKey, type RankEnds, type Resolved, resolveWrite } from "./resolve.ts";
import type { ConversationRow, MessageRow, Meta, OutboxRow, RelationRow, Wish } from "./rows.ts";

/** Everything of one scope. Rows are replaced and never changed. */
type Content = {
  meta: Meta;
  ranks: RankEnds;
  readonly outbox: Map<string, OutboxRow>;
  readonly wish: Map<string, Wish>;
  readonly draft: Map<string, string>;
  readonly relation: Map<string, RelationRow>;
  readonly conversation: Map<string, ConversationRow>;
  /** Of each conversation, by seq. */
  readonly messages: Map<string, Map<number, MessageRow>>;
};

/** One scope, with the listeners that are called when it is destroyed. */
type Entry = { readonly scope: Scope; readonly content: Content; readonly losses: Set<() => void> };

/**
 * Storage that ends with the process or page. Vaults of one scope share their data, as tabs share a disk.
 *
 * @example
 * const storage = memory();
 */
export function memory(): Storage {
  const entries = new Map<string, Entry>();
  return {
    isNew: (scope) => !entries.has(keyOf(scope)),
    async open(scope, makeDevice) {
      const key = keyOf(scope);
      const entry = entries.get(key) ?? { scope, content: newContent(makeDevice()), losses: new Set() };
      entries.set(key, entry);
      return openVault(entry);
    },
    scopes: async () => [...entries.values()].map(({ scope }) => scope),
    async destroy(scope) {
      const key = keyOf(scope);
      const losses = entries.get(key)?.losses ?? [];
      entries.delete(key);
      for (const lose of [...losses]) lose();
    },
  };
}

const keyOf = ({ url, tenant, user }: Scope): string => JSON.stringify([url, tenant, user]);

const newContent = (device: string): Content => ({
  meta: { device, cursor: null, level: 0, identity: null },
  ranks: { top: 0, bottom: 0 },
  outbox: new Map(),
  wish: new Map(),
  draft: new Map(),
  relation: new Map(),
  conversation: new Map(),
  messages: new Map(),
});

const byKey = (a: readonly [string, unknown], b: readonly [string, unknown]): number => (a[0] < b[0] ? -1 : 1);
const inOrder = <Row>(rows: ReadonlyMap<string, Row>): readonly Row[] => [...rows].sort(byKey).map(([, row]) => row);

/** The conversations of the list by rank, the greatest first. */
const listOf = ({ conversation }: Content): readonly ConversationRow[] =>
  [...conversation.values()].filter(({ last }) => last).sort((a, b) => b.rank - a.rank);

/** The messages of a conversation from `first` to `last`, in order. */
const messagesOf = (
  { messages }: Content,
  { conversation, first, last }: Parameters<Vault["messages"]>[0],
): readonly MessageRow[] =>
  [...(messages.get(conversation)?.values() ?? [])]
    .filter(({ seq }) => first <= seq && seq <= last)
    .sort((a, b) => a.seq - b.seq);

function apply(content: Content, resolved: Resolved): void {
  if (resolved.reset) for (const rows of [content.messages, content.conversation, content.relation]) rows.clear();
  content.meta = resolved.meta ?? content.meta;
  content.ranks = resolved.ranks ?? content.ranks;
  for (const [store, key, row] of resolved.rows) {
    if (store === "message") {
      if (row !== null) putMessage(content, row);
    } else if (row === null) content[store].delete(key);
    else (content[store] as Map<string, unknown>).set(key, row);
  }
}

function putMessage({ messages }: Content, row: MessageRow): void {
  const rows = messages.get(row.conversation) ?? new Map<number, MessageRow>();
  messages.set(row.conversation, rows.set(row.seq, row));
}

function write(content: Content, changes: Write): Written {
  // A Map per kind with everything that is stored is a superset of what the write needs, without reading it.
  const message = new Map<string, MessageRow>();
  for (const { conversation, seq } of changes.messages ?? []) {
    const row = content.messages.get(conversation)?.get(seq);
    if (row !== undefined) message.set(messageKey(conversation, seq), row);
  }
  const resolved = resolveWrite(changes, { ...content, message });
  apply(content, resolved);
  return resolved.written;
}

function evict(content: Content, wanted: number): number {
  let left = wanted;
  for (const row of [...listOf(content)].reverse()) {
    const gone = messagesOf(content, { conversation: row.id, first: 0, last: Infinity }).slice(0, left);
    const last = gone.at(-1);
    if (last === undefined) continue;
    for (const { seq } of gone) content.messages.get(row.id)?.delete(seq);
    content.conversation.set(row.id, { ...row, ranges: dropBelow(row.ranges, last.seq + 1) });
    left -= gone.length;
  }
  return wanted - left;
}

function openVault({ content, losses }: Entry): Vault {
  const listeners = new Set<() => void>();
  let end: "lost" | "closed" | null = null;
  const lose = (): void => {
    end = "lost";
    losses.delete(lose);
    for (const listener of [...listeners]) listener();
  };
  losses.add(lose);
  /** Does it at once, so that calls take effect in their order. */
  const run = async <Result>(call: () => Result): Promise<Result> => {
    if (end === "lost") throw new VaultError("lost", "This vault was deleted");
    if (end === "closed") throw new VaultError("failed", "This vault is closed");
    return call();
  };
  return {
    kind: "memory",
    boot: (conversations) =>
      run((): Boot => ({
        meta: content.meta,
        outbox: inOrder(content.outbox),
        wishes: inOrder(content.wish),
        conversations: listOf(content).slice(0, conversations),
      })),
    write: (changes) => run(() => write(content, changes)),
    messages: (range) => run(() => messagesOf(content, range)),
    conversations: ({ below, limit }) =>
      run(() =>
        listOf(content)
          .filter(({ rank }) => rank < below)
          .slice(0, limit),
      ),
    conversation: (key) =>
      run(() =>
        "id" in key
          ? (content.conversation.get(key.id) ?? null)
          : ([...content.conversation.values()].find((row) => row.with === key.with) ?? null),
      ),
    relations: () => run(() => inOrder(content.relation)),
    draft: (key) => run(() => content.draft.get(key) ?? null),
    evict: (wanted) => run(() => evict(content, wanted)),
    onLost: (listener) => void listeners.add(listener),
    close() {
      end ??= "closed";
      losses.delete(lose);
    },
  };
}
