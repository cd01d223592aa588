import { type Scope, type Storage, type Vault, VaultError, type Write } from "./contract.ts";
import type { IdbFactory, IdbRanges, IdbRequest } from "./idb.ts";
import {
  cache,
  createIdbLink,
  faultOf,
  type Get,
  type IdbLink,
  schema,
  settled,
  type StoreName,
  storeNames,
  type Work,
} from "./idb-link.ts";
import { cutFirst } from "./ranges.ts";
import { needsOf, type RankEnds, type Resolved, resolveWrite, type RowChange, type Stored } from "./resolve.ts";
import type { ConversationRow, Meta, OutboxRow, RelationRow, Wish } from "./rows.ts";

/** The one row of `meta`. */
type Own = { readonly schema: number; readonly meta: Meta; readonly ranks: RankEnds };
/** `order` grows from the top of the list to its bottom. `held`: the rank, if messages are held. An index leaves out rows without its property. */
type StoredConversation = {
  readonly row: ConversationRow;
  readonly order: number;
  readonly user: string | null;
  readonly held: number | undefined;
};

const storedAs = (row: ConversationRow): StoredConversation => ({
  row,
  order: -row.rank,
  user: row.with,
  held: row.ranges[0] && row.rank,
});

const rowsOf = (found: unknown, limit: number): readonly ConversationRow[] =>
  (found as readonly StoredConversation[]).slice(0, limit).map(({ row }) => row);

function ownOf(found: unknown): Own {
  if (!found) throw new VaultError("lost", "The database is empty");
  return found as Own;
}

export type IndexedDbOptions = {
  /** Default: that of the browser. */
  readonly indexedDB?: IdbFactory | undefined;
};

type LocalNotes = {
  readonly [key: string]: unknown;
  getItem(key: string): string | null;
  setItem(key: string, text: string): void;
  removeItem(key: string): void;
};

const browser = globalThis as unknown as {
  readonly indexedDB?: IdbFactory;
  readonly IDBKeyRange: IdbRanges;
  readonly localStorage?: LocalNotes;
};
const prefix = "tidings 1 ";
const nameOf = ({ url, tenant, user }: Scope): string => prefix + JSON.stringify([url, tenant, user]);

/** Reads or writes the notes of which scopes were opened here: unlike databases they can be read at once, and listed in every browser. Undefined: there are none. */
function notes<Result>(use: (local: LocalNotes) => Result): Result | undefined {
  try {
    return browser.localStorage && use(browser.localStorage);
  } catch {
    // The browser keeps none, or has no room.
    return undefined;
  }
}

/**
 * Storage in the browser, one database for each scope.
 *
 * @example
 * const storage = indexedDb();
 */
export function indexedDb({ indexedDB = browser.indexedDB }: IndexedDbOptions = {}): Storage {
  return {
    isNew: (scope) => notes((local) => local.getItem(nameOf(scope)) === null) ?? false,
    async open(scope, makeDevice) {
      const name = nameOf(scope);
      try {
        if (!indexedDB) throw new TypeError("There is no IndexedDB");
        const vault = await openVault(createIdbLink(indexedDB, { name, state: "new" }), makeDevice);
        notes((local) => local.setItem(name, ""));
        return vault;
      } catch (error) {
        const { fault, message } = faultOf(error);
        throw new VaultError(fault === "full" ? fault : "unavailable", message, error);
      }
    },
    async scopes() {
      if (!indexedDB) return [];
      const listed = (await indexedDB.databases?.())?.map((database) => database.name ?? "");
      const names = listed ?? notes(Object.keys) ?? [];
      return names
        .filter((name) => name.startsWith(prefix))
        .map((name) => {
          const [url, tenant, user] = JSON.parse(name.slice(prefix.length)) as [string, string, string];
          return { url, tenant, user };
        });
    },
    async destroy(scope) {
      if (!indexedDB) return;
      const name = nameOf(scope);
      // A frozen tab keeps its database from being deleted, and not from being emptied: its later writes are refused.
      const link = createIdbLink(indexedDB, { name, state: "open" });
      const isEmpty = await link
        .run({ durability: "strict", ask: (store) => storeNames.map((one) => store(one).clear()), decide: () => true })
        .catch(() => false);
      link.close();
      await settled(indexedDB.deleteDatabase(name)).catch((error: unknown) => {
        if (!isEmpty) throw error;
      });
      notes((local) => local.removeItem(name));
    },
  };
}

async function openVault(link: IdbLink, makeDevice: () => string): Promise<Vault> {
  const { run, onLost, close } = link;
  const ranges = browser.IDBKeyRange;
  const read = <Result>(
    ask: (store: Get) => IdbRequest,
    decide: (result: unknown) => Result = (result) => result as Result,
  ): Promise<Result> => run({ ask: (store) => [ask(store)], decide: ([result]) => decide(result) });
  // A limit of 0 would be none.
  const list = (store: Get, { below, limit }: { readonly below: number; readonly limit: number }): IdbRequest =>
    store("conversation")
      .index("order")
      .getAll(ranges.lowerBound(-below, true), limit || 1);

  try {
    await run({
      durability: "strict",
      ask: (store) => [store("meta").get(0)],
      decide([found], store) {
        const own = found as Own | undefined;
        // Without its cache a device begins anew.
        if (own?.schema === schema) return;
        const device = own?.meta.device ?? makeDevice();
        const meta: Meta = { device, cursor: null, level: 0, identity: own?.meta.identity ?? null };
        store("meta").put({ schema, meta, ranks: own?.ranks ?? { top: 0, bottom: 0 } } satisfies Own, 0);
      },
    });
  } catch (error) {
    close();
    throw error;
  }

  return {
    kind: "durable",
    boot: (limit) =>
      run({
        ask: (store) => [
          store("meta").get(0),
          store("outbox").getAll(),
          store("wish").getAll(),
          list(store, { below: Infinity, limit }),
        ],
        decide: ([own, outbox, wishes, conversations]) => ({
          meta: ownOf(own).meta,
          outbox: outbox as OutboxRow[],
          wishes: wishes as Wish[],
          conversations: rowsOf(conversations, limit),
        }),
      }),
    write: (write, durability) => run({ durability, ...writing(write) }),
    messages: async ({ conversation, first, last }) =>
      last < first
        ? []
        : read((store) => store("message").getAll(ranges.bound([conversation, first], [conversation, last]))),
    conversations: (page) =>
      read(
        (store) => list(store, page),
        (found) => rowsOf(found, page.limit),
      ),
    conversation: (key) =>
      read(
        (store) => {
          const conversations = store("conversation");
          return "id" in key ? conversations.get(key.id) : conversations.index("user").get(key.with);
        },
        (found) => (found as StoredConversation | undefined)?.row ?? null,
      ),
    relations: () => read<RelationRow[]>((store) => store("relation").getAll()),
    draft: (key) =>
      read(
        (store) => store("draft").get(key),
        (text) => (text as string | undefined) ?? null,
      ),
    evict: (wanted) =>
      run({
        durability: "relaxed",
        // A conversation that holds something holds at least one message.
        ask: (store) => [
          store("conversation")
            .index("held")
            .getAll(null, wanted || 1),
        ],
        decide([found], store) {
          let left = wanted;
          for (const row of rowsOf(found, wanted)) {
            const { below, dropped, kept } = cutFirst(row.ranges, left);
            if (!dropped) break;
            left -= dropped;
            store("message").delete(ranges.bound([row.id], [row.id, below], false, true));
            store("conversation").put(storedAs({ ...row, ranges: kept }));
          }
          return wanted - left;
        },
      }),
    onLost,
    close,
  };
}

/** Reads the rows that a write needs, decides, and puts: in one transaction. A draft alone needs none. */
function writing(write: Write): Omit<Work<ReturnType<typeof resolveWrite>["written"]>, "durability"> {
  const needs = Object.entries(needsOf(write)) as [StoreName, readonly unknown[]][];
  const isAtOnce = Object.keys(write).join() === "drafts" && needs.every(([, keys]) => keys.length === 0);
  return {
    isAtOnce,
    ask: (store) => [
      ...(isAtOnce ? (write.drafts ?? []).map(([key, text]) => put(store, ["draft", key, text])) : []),
      ...needs.flatMap(([name, keys]) => keys.map((key) => store(name).get(key))),
      store("meta").get(0),
    ],
    decide(results, store) {
      const own = ownOf(results.pop());
      const rows = results.values();
      /** The next result: undefined where nothing is stored. */
      const next = (name: StoreName): unknown => {
        const row: unknown = rows.next().value;
        return name === "conversation" ? (row as StoredConversation | undefined)?.row : row;
      };
      // The key of a message is that of `messageKey`.
      const found = needs.map(([name, keys]) => [name, new Map(keys.map((key) => [String(key), next(name)]))]);
      const resolved = resolveWrite(write, { ...own, ...Object.fromEntries(found) } as Stored);
      if (!isAtOnce) apply(resolved, own, store);
      return resolved.written;
    },
  };
}

/** Puts and deletes all that was decided. */
function apply(resolved: Resolved, own: Own, store: Get): void {
  if (resolved.reset) for (const name of cache) store(name).clear();
  if (resolved.meta ?? resolved.ranks)
    store("meta").put({ ...own, meta: resolved.meta ?? own.meta, ranks: resolved.ranks ?? own.ranks } satisfies Own, 0);
  for (const change of resolved.rows) put(store, change);
}

function put(store: Get, [name, key, row]: RowChange): IdbRequest {
  if (row === null) return store(name).delete(key);
  if (name === "draft") return store(name).put(row, key);
  return store(name).put(name === "conversation" ? storedAs(row) : row);
}
