import { type Storage, type Vault, VaultError, type Write } from "./contract.ts";
import type { IdbFactory, IdbRanges, IdbRequest } from "./idb.ts";
import {
  cache,
  createIdbLink,
  lost,
  faultOf,
  type Get,
  schema,
  settled,
  type StoreName,
  storeNames,
  type Work,
} from "./idb-link.ts";
import { forgetAll, forgetLast, isNew, lastNotes, nameOf, noteLast, notes, prefix } from "./idb-notes.ts";
import { cutFirst } from "./ranges.ts";
import { needsOf, type RankEnds, type Resolved, resolveWrite, type RowChange, type Stored } from "./resolve.ts";
import type { ConversationRow, Meta, OutboxRow, RelationRow, Wish } from "./rows.ts";

/** The one row of `meta`. */
type Own = { readonly schema: number; readonly meta: Meta; readonly ranks: RankEnds };
/**
 * `order` grows from the top of the list to its bottom, if there is a last message. `held`: the rank, if messages are held. An index leaves out rows without its
 * property.
 */
type StoredConversation = {
  readonly row: ConversationRow;
  readonly order: number | undefined;
  readonly user: string | null;
  readonly held: number | undefined;
};

const storedAs = (row: ConversationRow): StoredConversation => ({
  row,
  order: row.last ? -row.rank : undefined,
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

const browser = globalThis as unknown as {
  readonly indexedDB?: IdbFactory;
  readonly IDBKeyRange: IdbRanges;
};
/**
 * Storage in the browser, one database for each scope.
 *
 * @example
 * const storage = indexedDb();
 */
export function indexedDb({ indexedDB = browser.indexedDB }: IndexedDbOptions = {}): Storage {
  return {
    isNew,
    async open(scope, makeDevice) {
      const name = nameOf(scope);
      try {
        if (!indexedDB) throw new TypeError("There is no IndexedDB");
        const vault = await openVault(indexedDB, { name, makeDevice });
        await takeNotes(name, vault);
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
      forgetAll(name);
      // A frozen tab keeps its database from being deleted, and not from being emptied: its later writes are refused.
      const link = createIdbLink(indexedDB, { name, state: "open" });
      const isEmpty = await link
        .run({ durability: "strict", ask: (store) => storeNames.map((one) => store(one).clear()), decide: () => true })
        .catch(() => false);
      link.close();
      await settled(indexedDB.deleteDatabase(name)).catch((error: unknown) => {
        if (!isEmpty) throw error;
      });
    },
    leave: noteLast,
  };
}

/** Writes what pages were keeping as they were left. */
async function takeNotes(name: string, vault: Vault): Promise<void> {
  for (const text of lastNotes(name))
    try {
      await vault.write(JSON.parse(text) as Write, "strict");
    } catch {
      // What there is no room for stays noted; what is no write of ours hinders no other.
    }
}

type NewVault = { readonly name: string; readonly makeDevice: () => string };

async function openVault(factory: IdbFactory, { name, makeDevice }: NewVault): Promise<Vault> {
  const { run, onLost, close } = createIdbLink(factory, { name, state: "new" });
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

  let device: string;
  try {
    device = await run({
      durability: "strict",
      ask: (store) => [store("meta").get(0)],
      decide([found], store) {
        const own = found as Own | undefined;
        const device = own?.meta.device ?? makeDevice();
        // Without its cache a device begins anew.
        if (own?.schema !== schema) {
          const meta: Meta = { device, cursor: null, level: 0, identity: own?.meta.identity ?? null };
          store("meta").put({ schema, meta, ranks: own?.ranks ?? { top: 0, bottom: 0 } } satisfies Own, 0);
        }
        return device;
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
    async write(write, durability) {
      const written = await run({ durability, ...writing(write, device) });
      // What was noted of the same is older.
      forgetLast(name, [...needsOf(write).outbox, ...(write.drafts ?? []).map(([key]) => key)]);
      return written;
    },
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
    // A transaction that has not begun ends with its page, also one that was committed. This note is made in the same turn.
    onLost,
    close,
  };
}

/** Reads the rows that a write needs, decides, and puts: in one transaction. */
function writing(write: Write, device: string): Omit<Work<ReturnType<typeof resolveWrite>["written"]>, "durability"> {
  const needs = Object.entries(needsOf(write)) as [StoreName, readonly unknown[]][];
  return {
    ask: (store) => [...needs.flatMap(([name, keys]) => keys.map((key) => store(name).get(key))), store("meta").get(0)],
    decide(results, store) {
      const own = ownOf(results.pop());
      // Its database was deleted meanwhile, and another tab has made this one.
      if (own.meta.device !== device) throw lost();
      const rows = results.values();
      /** The next result: undefined where nothing is stored. */
      const next = (name: StoreName): unknown => {
        const row: unknown = rows.next().value;
        return name === "conversation" ? (row as StoredConversation | undefined)?.row : row;
      };
      // The key of a message is that of `messageKey`.
      const found = needs.map(([name, keys]) => [name, new Map(keys.map((key) => [String(key), next(name)]))]);
      const resolved = resolveWrite(write, { ...own, ...Object.fromEntries(found) } as Stored);
      apply(resolved, own, store);
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

function put(store: Get, [name, key, row]: RowChange): void {
  if (row === null) store(name).delete(key);
  else if (name === "draft") store(name).put(row, key);
  else store(name).put(name === "conversation" ? storedAs(row) : row);
}
