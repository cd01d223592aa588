import type { Storage, Vault, Write, Written, Durability } from "../../../src/client/vault/contract.ts";
import { VaultError } from "../../../src/client/vault/contract.ts";
import { dropBelow } from "../../../src/client/vault/ranges.ts";
import {
  messageKey,
  needsOf,
  type RankEnds,
  resolveWrite,
  type Rows,
  type Stored,
} from "../../../src/client/vault/resolve.ts";
import type {
  ConversationRow,
  MessageRow,
  Meta,
  OutboxRow,
  RelationRow,
  Wish,
} from "../../../src/client/vault/rows.ts";
import type { Chance } from "../sim/chance.ts";
import type { SimProcess } from "../sim/process.ts";
import type { Timeline } from "../sim/timeline.ts";

/** Everything on a disk at one moment. Never changed: a write makes the next one. */
export type DiskState = {
  readonly meta: Meta;
  readonly ranks: RankEnds;
  readonly conversations: ReadonlyMap<string, ConversationRow>;
  readonly messages: ReadonlyMap<string, MessageRow>;
  readonly outbox: ReadonlyMap<string, OutboxRow>;
  readonly wishes: ReadonlyMap<string, Wish>;
  readonly relations: ReadonlyMap<string, RelationRow>;
  readonly drafts: ReadonlyMap<string, string>;
};

export type DiskFaults = {
  /** The longest time that a call takes. */
  readonly callMs: number;
  /** The part of the writes that fail, and of those that hang for seconds. */
  readonly fails: number;
  readonly hangs: number;
};

export const calmDisk: DiskFaults = { callMs: 1, fails: 0, hangs: 0 };

const newState = (device: string): DiskState => ({
  meta: { device, cursor: null, level: 1, identity: null },
  ranks: { top: 0, bottom: 0 },
  conversations: new Map(),
  messages: new Map(),
  outbox: new Map(),
  wishes: new Map(),
  relations: new Map(),
  drafts: new Map(),
});

export type DiskOptions = {
  readonly timeline: Timeline;
  readonly chance: Chance;
  readonly faults: () => DiskFaults;
  /** Called after each write. */
  readonly onWrite: (change: { readonly before: DiskState; readonly after: DiskState; readonly write: Write }) => void;
};

/**
 * The disk of one browser, with the tabs of one user on it. Calls take effect one after the other, some time after they were made. A crash of the machine takes back the relaxed
 * writes since the last strict one, in order; the death of a tab ends what it had begun, from some call on.
 */
export function createDisk({ timeline, chance, faults, onWrite }: DiskOptions) {
  let state: DiskState | null = null;
  /** What a crash may come back with: the states since the last strict write. */
  let since: DiskState[] = [];
  let isFull = false;
  let freeAt = 0;
  /** How often everything was deleted: a vault that was opened before is lost. */
  let deletions = 0;
  /** The ids of messages that were deleted to make room, or by a reset. */
  const droppedIds = new Set<string>();
  /** What pages have noted beside it. They are there at once, also while a call hangs. */
  const notes = new Map<string, Write>();
  const open = new Set<{ readonly process: SimProcess; readonly lose: () => void }>();

  /** Runs `work` on the disk after those before it; the answer comes back if the tab still lives. */
  function call<Result>(
    tab: { readonly process: SimProcess; isAborted: boolean },
    work: () => Result,
  ): Promise<Result> {
    const { callMs, hangs } = faults();
    const ms = chance.hits(hangs) ? chance.between(2_500, 12_000) : chance.unit() * callMs;
    freeAt = Math.max(freeAt, timeline.now() + ms);
    return new Promise((resolve, reject) => {
      void timeline.after(freeAt - timeline.now(), () => {
        // A dead tab's later calls do not happen when an earlier one did not.
        if (tab.process.isDead()) tab.isAborted ||= chance.hits(0.5);
        if (tab.isAborted) return;
        let done: () => void;
        try {
          const result = work();
          done = () => resolve(result);
        } catch (fault) {
          done = () => reject(fault as Error);
        }
        tab.process.run(done);
      });
    });
  }

  function present(openedAfter: number): DiskState {
    if (state === null || openedAfter !== deletions) throw new VaultError("lost", "The database is gone");
    return state;
  }

  function write(before: DiskState, change: Write, durability: Durability): Written {
    if (chance.hits(faults().fails)) throw new VaultError("failed", "The write failed");
    if (isFull && (change.messages?.length || change.outbox?.some((one) => one.do === "add")))
      throw new VaultError("full", "No room is left");
    const [after, written] = apply(before, change);
    state = after;
    if (written.isReset) for (const { id } of before.messages.values()) droppedIds.add(id);
    since = durability === "strict" ? [after] : [...since, after];
    onWrite({ before, after, write: change });
    return written;
  }

  function openVault(process: SimProcess): Vault {
    const tab = { process, isAborted: false };
    let lose = (): void => {};
    const entry = { process, lose: () => lose() };
    open.add(entry);
    const openedAfter = deletions;
    const read = <Result>(work: (from: DiskState) => Result): Promise<Result> =>
      call(tab, () => work(present(openedAfter)));
    return {
      kind: "durable",
      boot: (count) =>
        read(({ meta, outbox, wishes, conversations }) => ({
          meta,
          outbox: [...outbox.values()].toSorted((a, b) => (a.id < b.id ? -1 : 1)),
          wishes: [...wishes.values()],
          conversations: byRank(conversations).slice(0, count),
        })),
      async write(change, durability) {
        const written = await read((before) => write(before, change, durability));
        for (const key of keysOf(change)) notes.delete(key);
        return written;
      },
      messages: ({ conversation, first, last }) =>
        read(({ messages }) =>
          [...messages.values()]
            .filter((one) => one.conversation === conversation && one.seq >= first && one.seq <= last)
            .toSorted((a, b) => a.seq - b.seq),
        ),
      conversations: ({ below, limit }) =>
        read(({ conversations }) =>
          byRank(conversations)
            .filter((row) => row.rank < below)
            .slice(0, limit),
        ),
      conversation: (key) =>
        read(
          ({ conversations }) =>
            [...conversations.values()].find((row) => ("id" in key ? row.id === key.id : row.with === key.with)) ??
            null,
        ),
      relations: () => read(({ relations }) => [...relations.values()].toSorted((a, b) => (a.user < b.user ? -1 : 1))),
      draft: (key) => read(({ drafts }) => drafts.get(key) ?? null),
      evict: (count) => read((before) => evict(before, count)),
      onLost: (listener) => {
        lose = listener;
      },
      close: () => void open.delete(entry),
    };
  }

  function evict(before: DiskState, count: number): number {
    const messages = new Map(before.messages);
    const conversations = new Map(before.conversations);
    let evicted = 0;
    for (const row of byRank(before.conversations).toReversed()) {
      const held = [...messages.values()]
        .filter((one) => one.conversation === row.id)
        .toSorted((a, b) => a.seq - b.seq);
      for (const message of held) {
        if (evicted >= count) break;
        messages.delete(messageKey(row.id, message.seq));
        droppedIds.add(message.id);
        conversations.set(row.id, { ...row, ranges: dropBelow(row.ranges, message.seq + 1) });
        evicted++;
      }
    }
    state = { ...before, messages, conversations };
    since.push(state);
    return evicted;
  }

  return {
    storage: (process: SimProcess): Storage => ({
      open: async (_scope, makeDevice) => {
        const tab = { process, isAborted: false };
        await call(tab, () => {
          if (state !== null) return;
          state = newState(makeDevice());
          since = [state];
        });
        const vault = openVault(process);
        for (const note of [...notes.values()]) await vault.write(note, "strict").catch(() => {});
        return vault;
      },
      leave: (_scope, { key, write: note }) => void (note === null ? notes.delete(key) : notes.set(key, note)),
      scopes: () => Promise.resolve([]),
      destroy: () => Promise.resolve(vanish()),
    }),
    /** What is on it now. Null: nothing. */
    state: (): DiskState | null => state,
    /** The machine crashes: some of the last relaxed writes were not on disk. Its tabs must be dead. */
    crash(): void {
      if (state === null) return;
      state = since[chance.between(0, since.length - 1)] ?? state;
      since = [state];
      for (const key of [...notes.keys()]) if (chance.hits(0.5)) notes.delete(key);
    },
    /** Whether a message was on it, and was deleted to make room, or by a reset. */
    hasDropped: (id: string): boolean => droppedIds.has(id),
    setFull: (full: boolean): void => void (isFull = full),
    vanish,
  };

  /** The browser deletes the data of the site. */
  function vanish(): void {
    state = null;
    since = [];
    deletions++;
    notes.clear();
    const tabs = [...open];
    open.clear();
    for (const { process, lose } of tabs) void timeline.after(1, () => process.run(lose));
  }
}

export type Disk = ReturnType<typeof createDisk>;

/** The rows and drafts that a write names. */
const keysOf = (change: Write): readonly string[] => [
  ...needsOf(change).outbox,
  ...(change.drafts ?? []).map(([key]) => key),
];

const byRank = (rows: ReadonlyMap<string, ConversationRow>): readonly ConversationRow[] =>
  [...rows.values()].filter(({ last }) => last !== null).toSorted((a, b) => b.rank - a.rank);

function apply(before: DiskState, change: Write): readonly [DiskState, Written] {
  const needs = needsOf(change);
  const pick = <Row>(rows: ReadonlyMap<string, Row>, keys: readonly string[]): ReadonlyMap<string, Row> => {
    const found = new Map<string, Row>();
    for (const key of keys) {
      const row = rows.get(key);
      if (row !== undefined) found.set(key, row);
    }
    return found;
  };
  const stored: Stored = {
    meta: before.meta,
    ranks: before.ranks,
    conversation: pick(before.conversations, needs.conversation),
    outbox: pick(before.outbox, needs.outbox),
    wish: pick(before.wishes, needs.wish),
    relation: pick(before.relations, needs.relation),
    draft: pick(before.drafts, needs.draft),
    message: pick(
      before.messages,
      needs.message.map((key) => messageKey(...key)),
    ),
  };
  const resolved = resolveWrite(change, stored);
  const empty = resolved.reset;
  const [messages, conversations] = [new Map(empty ? [] : before.messages), new Map(empty ? [] : before.conversations)];
  const [relations, outbox] = [new Map(empty ? [] : before.relations), new Map(before.outbox)];
  const [wishes, drafts] = [new Map(before.wishes), new Map(before.drafts)];
  const stores: Readonly<Record<keyof Rows, Map<string, unknown>>> = {
    ...{ message: messages, conversation: conversations, relation: relations },
    ...{ outbox, draft: drafts, wish: wishes },
  };
  for (const [store, key, row] of resolved.rows) {
    if (row === null) stores[store].delete(key);
    else stores[store].set(key, row);
  }
  const meta = resolved.meta ?? before.meta;
  const ranks = resolved.ranks ?? before.ranks;
  return [{ meta, ranks, conversations, messages, outbox, wishes, relations, drafts }, resolved.written];
}
