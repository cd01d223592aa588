import { type Durability, type Scope, type Storage, type Vault, VaultError } from "./contract.ts";
import type {
  IdbDatabase,
  IdbFactory,
  IdbOpenRequest,
  IdbRanges,
  IdbRequest,
  IdbStore,
  IdbTransaction,
} from "./idb.ts";
import { cutFirst } from "./ranges.ts";
import { messageKey, needsOf, type RankEnds, type Resolved, resolveWrite } from "./resolve.ts";
import type { ConversationRow, MessageRow, Meta, OutboxRow, RelationRow, Wish } from "./rows.ts";

/** Of the cache: a database of another one loses its cache, and keeps all that the server does not have. */
const schema = 1;

type Layout = readonly (readonly [store: string, keyPath: string | string[] | null])[];
/** Out-of-line keys where there is no path. */
const kept: Layout = [
  ["meta", null],
  ["draft", null],
  ["outbox", "id"],
  ["wish", "key"],
];
const cache: Layout = [
  ["message", ["conversation", "seq"]],
  ["conversation", "row.id"],
  ["relation", "user"],
];
const stores = [...kept, ...cache].map(([store]) => store);

/** The one row of `meta`. */
type Own = { readonly meta: Meta; readonly ranks: RankEnds };
/** `order` grows from the top of the list to its bottom. `held`: the rank, if messages are held; an index leaves out rows without it. */
type StoredConversation = { readonly row: ConversationRow; readonly order: number; readonly held: number | undefined };

const storedAs = (row: ConversationRow): StoredConversation => ({
  row,
  order: -row.rank,
  held: row.ranges[0] && row.rank,
});
const rowsOf = (found: unknown, limit?: number): readonly ConversationRow[] =>
  (found as readonly StoredConversation[]).slice(0, limit).map(({ row }) => row);

export type IndexedDbOptions = {
  /** Default: that of the browser. */
  readonly indexedDB?: IdbFactory | undefined;
};

const prefix = "tidings 1 ";
const nameOf = ({ url, tenant, user }: Scope): string => prefix + JSON.stringify([url, tenant, user]);
/** Lists the databases where the browser cannot. */
const registry = "tidings";

/**
 * Storage in the browser, one database for each scope.
 *
 * @example
 * const storage = indexedDb();
 */
export function indexedDb({
  indexedDB: factory = (globalThis as { indexedDB?: IdbFactory }).indexedDB,
}: IndexedDbOptions = {}): Storage {
  /** What the registry answers to `call`; nothing where the browser can list databases itself. */
  async function registered(call: (store: IdbStore) => IdbRequest): Promise<unknown> {
    if (!factory || factory.databases) return [];
    const request = factory.open(registry, 1);
    request.onupgradeneeded = () => void request.result.createObjectStore("name", { keyPath: null });
    const database = await settled<IdbDatabase>(request);
    try {
      return await settled(
        call(database.transaction(["name"], "readwrite", { durability: "strict" }).objectStore("name")),
      );
    } finally {
      database.close();
    }
  }

  return {
    async open(scope, makeDevice) {
      const name = nameOf(scope);
      try {
        await registered((store) => store.put(name, name));
        return await openVault({ factory, name, makeDevice });
      } catch (error) {
        const { fault, message } = faultOf(error);
        throw new VaultError(fault === "full" ? fault : "unavailable", message, error);
      }
    },
    async scopes() {
      const listed = (await factory?.databases?.())?.map((database) => database.name ?? "");
      const names = listed ?? ((await registered((store) => store.getAll())) as readonly string[]);
      return names
        .filter((name) => name.startsWith(prefix))
        .map((name) => {
          const [url, tenant, user] = JSON.parse(name.slice(prefix.length)) as [string, string, string];
          return { url, tenant, user };
        });
    },
    async destroy(scope) {
      const name = nameOf(scope);
      if (factory) await settled(factory.deleteDatabase(name)).catch((error) => Promise.reject(faultOf(error)));
      await registered((store) => store.delete(name));
    },
  };
}

/** Resolves when `request` has succeeded. */
const settled = <Result>(request: IdbRequest<unknown> & { onblocked?: IdbOpenRequest["onblocked"] }): Promise<Result> =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result as Result);
    request.onerror = () => reject(request.error);
    request.onblocked = () => reject(new VaultError("unavailable", "Another tab keeps the database open"));
  });

const nameOfError = (error: unknown): string => String((error as { name?: unknown } | null)?.name);

function faultOf(error: unknown): VaultError {
  if (error instanceof VaultError) return error;
  const name = nameOfError(error);
  return new VaultError(
    name === "QuotaExceededError" ? "full" : name === "VersionError" ? "lost" : "failed",
    `IndexedDB failed: ${String(error)}`,
    error,
  );
}

type Opening = { readonly factory: IdbFactory | undefined; readonly name: string };

/** Opens the database. `isNew` false: a database that is not there was deleted, and is not made again. */
async function connect({ factory, name }: Opening, isNew: boolean): Promise<IdbDatabase> {
  if (!factory) throw new VaultError("unavailable", "There is no IndexedDB here");
  const request = factory.open(name, schema);
  let isGone = false;
  request.onupgradeneeded = ({ oldVersion }) => {
    isGone = oldVersion === 0 && !isNew;
    if (isGone) request.transaction?.abort();
    else upgrade(request, oldVersion);
  };
  try {
    return await settled<IdbDatabase>(request);
  } catch (error) {
    // It may still be opened when another tab lets go of it.
    request.onsuccess = () => request.result.close();
    throw isGone ? new VaultError("lost", "The database was deleted") : error;
  }
}

function upgrade({ result: database, transaction }: IdbOpenRequest, oldVersion: number): void {
  for (const [store] of cache) if (database.objectStoreNames.contains(store)) database.deleteObjectStore(store);
  for (const [store, keyPath] of [...kept, ...cache])
    if (!database.objectStoreNames.contains(store)) database.createObjectStore(store, { keyPath });
  const conversations = transaction?.objectStore("conversation");
  for (const [index, keyPath] of [
    ["order", "order"],
    ["with", "row.with"],
    ["held", "held"],
  ] as const)
    conversations?.createIndex(index, keyPath);
  const meta = transaction?.objectStore("meta");
  const request = oldVersion > 0 ? meta?.get(0) : undefined;
  // Without its cache a device begins anew.
  if (request)
    request.onsuccess = () => {
      const own = request.result as Own | undefined;
      if (own) meta?.put({ ...own, meta: { ...own.meta, cursor: null, level: 0 } }, 0);
    };
}

type Get = (store: string) => IdbStore;

/** Asks all that a transaction needs, then decides: all in its own turns, since a transaction ends at the first turn without a request. */
type Work<Result> = {
  readonly durability?: Durability;
  /** At least one request. */
  readonly ask: (store: Get) => readonly IdbRequest[];
  readonly decide: (results: readonly unknown[], store: Get) => Result;
};

const transact = <Result>(database: IdbDatabase, { durability, ask, decide }: Work<Result>): Promise<Result> =>
  new Promise((resolve, reject) => {
    const mode = durability ? "readwrite" : "readonly";
    const transaction: IdbTransaction = database.transaction(stores, mode, { durability: durability ?? "relaxed" });
    const store: Get = (name) => transaction.objectStore(name);
    let outcome: { readonly result: Result } | { readonly error: unknown } | undefined;
    transaction.oncomplete = () => (outcome && "result" in outcome ? resolve(outcome.result) : reject(outcome?.error));
    transaction.onabort = () => reject(outcome && "error" in outcome ? outcome.error : transaction.error);
    const requests = ask(store);
    const last = requests.at(-1);
    if (last)
      last.onsuccess = () => {
        try {
          outcome = {
            result: decide(
              requests.map(({ result }) => result),
              store,
            ),
          };
          transaction.commit?.();
        } catch (error) {
          outcome = { error };
          transaction.abort();
        }
      };
  });

/** How often a call is tried again on a new connection: browsers lose connections, and say so by these names. */
const reopensMax = 2;
const reopened = ["InvalidStateError", "UnknownError", "AbortError"];

async function openVault({ makeDevice, ...opening }: Opening & { readonly makeDevice: () => string }): Promise<Vault> {
  const ranges = (globalThis as unknown as { IDBKeyRange: IdbRanges }).IDBKeyRange;
  const listeners = new Set<() => void>();
  let database: IdbDatabase | null = null;
  let isNew = true;
  let end: "lost" | "failed" | null = null;
  let last: Promise<unknown> = Promise.resolve();

  function lose(): void {
    if (end) return;
    end = "lost";
    database?.close();
    for (const listener of listeners) listener();
  }

  async function attempt<Result>(work: Work<Result>, tries: number): Promise<Result> {
    try {
      if (end === "lost") throw new VaultError("lost", "The database was deleted");
      const open = (database ??= await connect(opening, isNew));
      open.onclose = () => (database = null);
      open.onversionchange = lose;
      return await transact(open, work);
    } catch (error) {
      if (tries < reopensMax && reopened.includes(nameOfError(error))) {
        database?.close();
        database = null;
        return await attempt(work, tries + 1);
      }
      const fault = faultOf(error);
      if (fault.fault === "lost") lose();
      throw fault;
    }
  }

  /** One call after the other: a call on a new connection must not be overtaken by a later one. */
  function run<Result>(work: Work<Result>): Promise<Result> {
    if (end === "failed") return Promise.reject(new VaultError(end, "The vault is closed"));
    const result = last.then(() => attempt(work, 0));
    last = result.catch(() => {});
    return result;
  }
  const read = <Result>(
    ask: (store: Get) => IdbRequest,
    decide: (result: unknown) => Result = (result) => result as Result,
  ) => run({ ask: (store) => [ask(store)], decide: ([result]) => decide(result) });

  // A limit of 0 would mean none.
  const listed = (store: Get, { below, limit }: { readonly below: number; readonly limit: number }): IdbRequest =>
    store("conversation")
      .index("order")
      .getAll(ranges.lowerBound(-below, true), limit || 1);

  await run({
    durability: "strict",
    ask: (store) => [store("meta").get(0)],
    decide([own], store) {
      const meta: Meta = { device: makeDevice(), cursor: null, level: 0, identity: null };
      if (!own) store("meta").put({ meta, ranks: { top: 0, bottom: 0 } } satisfies Own, 0);
    },
  }).catch((error: unknown) => {
    database?.close();
    throw error;
  });
  isNew = false;

  return {
    kind: "durable",
    boot: (limit) =>
      run({
        ask: (store) => [
          store("meta").get(0),
          store("outbox").getAll(),
          store("wish").getAll(),
          listed(store, { below: Infinity, limit }),
        ],
        decide: ([own, outbox, wishes, conversations]) => ({
          meta: ownOf(own).meta,
          outbox: outbox as readonly OutboxRow[],
          wishes: wishes as readonly Wish[],
          conversations: rowsOf(conversations, limit),
        }),
      }),
    write(write, durability) {
      const needs = needsOf(write);
      return run({
        durability,
        ask: (store) => [
          ...needs.conversations.map((id) => store("conversation").get(id)),
          ...needs.outbox.map((id) => store("outbox").get(id)),
          ...needs.wishes.map((key) => store("wish").get(key)),
          ...needs.messages.map((key) => store("message").get(key)),
          store("meta").get(0),
        ],
        decide(results, store) {
          const own = ownOf(results.at(-1));
          const left = results.values();
          /** The next results, those of `keys`, by the names of the keys. */
          const take = <Key, Row>(keys: readonly Key[], nameOfKey: (key: Key) => string): ReadonlyMap<string, Row> =>
            new Map(
              keys.flatMap((key) => {
                const row = left.next().value as Row | undefined;
                return row ? [[nameOfKey(key), row] as const] : [];
              }),
            );
          const found = take<string, StoredConversation>(needs.conversations, String);
          const resolved = resolveWrite(write, {
            ...own,
            conversations: new Map([...found].map(([id, { row }]) => [id, row])),
            outbox: take<string, OutboxRow>(needs.outbox, String),
            wishes: take<string, Wish>(needs.wishes, String),
            messages: take<readonly [string, number], MessageRow>(needs.messages, (key) => messageKey(...key)),
          });
          apply(resolved, own, store);
          return resolved.written;
        },
      });
    },
    async messages({ conversation, first, last: end }) {
      if (end < first) return [];
      return await read((store) => store("message").getAll(ranges.bound([conversation, first], [conversation, end])));
    },
    conversations: (page) =>
      read(
        (store) => listed(store, page),
        (found) => rowsOf(found, page.limit),
      ),
    conversation: (key) =>
      read(
        (store) =>
          "id" in key ? store("conversation").get(key.id) : store("conversation").index("with").get(key.with),
        (found) => (found as StoredConversation | undefined)?.row ?? null,
      ),
    relations: () => read<readonly RelationRow[]>((store) => store("relation").getAll()),
    outbox: () => read<readonly OutboxRow[]>((store) => store("outbox").getAll()),
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
          for (const row of rowsOf(found)) {
            if (left < 1) break;
            const { below, dropped, kept: rest } = cutFirst(row.ranges, left);
            left -= dropped;
            store("message").delete(ranges.bound([row.id], [row.id, below], false, true));
            store("conversation").put(storedAs({ ...row, ranges: rest }));
          }
          return wanted - left;
        },
      }),
    onLost: (listener) => void listeners.add(listener),
    close() {
      end ??= "failed";
      void last.then(() => database?.close());
    },
  };
}

function ownOf(found: unknown): Own {
  if (!found) throw new VaultError("lost", "The database was emptied");
  return found as Own;
}

/** Puts and deletes all that was decided. */
function apply(resolved: Resolved, own: Own, store: Get): void {
  const put = (name: string, rows: readonly unknown[]): void => rows.forEach((row) => store(name).put(row));
  const remove = (name: string, keys: readonly string[]): void => keys.forEach((key) => store(name).delete(key));
  if (resolved.reset) cache.forEach(([name]) => store(name).clear());
  if (resolved.meta ?? resolved.ranks)
    store("meta").put({ meta: resolved.meta ?? own.meta, ranks: resolved.ranks ?? own.ranks } satisfies Own, 0);
  put("message", resolved.messages);
  put("conversation", resolved.conversations.map(storedAs));
  put("relation", resolved.relations);
  put("outbox", resolved.outboxPut);
  remove("outbox", resolved.outboxDelete);
  remove("wish", resolved.wishesDelete);
  put("wish", resolved.wishesPut);
  for (const [key, text] of resolved.drafts) {
    if (text === null) store("draft").delete(key);
    else store("draft").put(text, key);
  }
}
