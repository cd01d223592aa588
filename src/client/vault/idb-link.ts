import { type Durability, VaultError } from "./contract.ts";
import type { IdbDatabase, IdbFactory, IdbOpenRequest, IdbRequest, IdbStore } from "./idb.ts";

/** Of the cache: a database of another one loses its cache, and keeps all that the server does not have. */
export const schema = 1;

/** The stores, with their key paths; `null` where the key is beside the value. */
const stores = {
  meta: null,
  draft: null,
  outbox: "id",
  wish: "key",
  relation: "user",
  conversation: "row.id",
  message: ["conversation", "seq"],
} as const;

export type StoreName = keyof typeof stores;
export const storeNames = Object.keys(stores) as StoreName[];
export type Get = (store: StoreName) => IdbStore;
export const cache: readonly StoreName[] = ["relation", "conversation", "message"];
/** Each on a property of its own name. Rows without it are left out. */
const indexes = ["order", "user", "held"];

/** Asks all that a transaction needs, then decides: all in its own turns, since a transaction ends at the first turn without a request. */
export type Work<Result> = {
  /** Absent: it only reads. */
  readonly durability?: Durability;
  /** At least one request. */
  readonly ask: (store: Get) => readonly IdbRequest[];
  readonly decide: (results: unknown[], store: Get) => Result;
};

/** The connection to one database, which is opened anew when the browser has ended it. */
export interface IdbLink {
  /** One call after the other: a later one does not overtake one that waits for a new connection. */
  run<Result>(work: Work<Result>): Promise<Result>;
  onLost(listener: () => void): void;
  close(): void;
}

/** How often a call is tried on a new connection: browsers lose connections, and say so by these names. */
const triesMax = 3;
const isBroken = /^(InvalidState|Unknown|Abort)Error/;

export function faultOf(error: unknown): VaultError {
  if (error instanceof VaultError) return error;
  const text = String(error);
  return new VaultError(
    text.startsWith("Quota") ? "full" : text.startsWith("Version") ? "lost" : "failed",
    text,
    error,
  );
}

/** Resolves when `request` has succeeded. */
export const settled = <Result>(
  request: IdbRequest<unknown> & { onblocked?: IdbOpenRequest["onblocked"] },
): Promise<Result> =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result as Result);
    request.onerror = () => reject(faultOf(request.error));
    request.onblocked = () => reject(new VaultError("unavailable", "Another tab keeps the database"));
  });

/** Opens the database. `isNew` false: one that is not there was deleted, and is not made again. */
async function connect(factory: IdbFactory, { name, isNew }: { name: string; isNew: boolean }): Promise<IdbDatabase> {
  const request = factory.open(name, schema);
  let isGone = false;
  request.onupgradeneeded = ({ oldVersion }) => {
    isGone = !oldVersion && !isNew;
    if (isGone) return request.transaction?.abort();
    const database = request.result;
    for (const store of storeNames) {
      const isCache = cache.includes(store);
      if (oldVersion && isCache) database.deleteObjectStore(store);
      if (oldVersion && !isCache) continue;
      const made = database.createObjectStore(store, { keyPath: stores[store] });
      if (store === "conversation") for (const index of indexes) made.createIndex(index, index);
    }
  };
  try {
    return await settled<IdbDatabase>(request);
  } catch (error) {
    // It may still be opened when another tab lets go of it.
    request.onsuccess = () => request.result.close();
    throw isGone ? lost() : error;
  }
}

export const lost = (): VaultError => new VaultError("lost", "The database is gone");

const transact = <Result>(database: IdbDatabase, { durability, ask, decide }: Work<Result>): Promise<Result> =>
  new Promise((resolve, reject) => {
    const transaction = database.transaction(storeNames, durability ? "readwrite" : "readonly", {
      durability,
    });
    const store: Get = (name) => transaction.objectStore(name);
    let result: Result;
    let fault: unknown;
    transaction.oncomplete = () => (fault ? reject(faultOf(fault)) : resolve(result));
    transaction.onabort = () => reject(faultOf(fault ?? transaction.error));
    const requests = ask(store);
    const last = requests.at(-1);
    if (last)
      last.onsuccess = () => {
        try {
          result = decide(
            requests.map((request) => request.result),
            store,
          );
          transaction.commit?.();
        } catch (error) {
          fault = error;
          transaction.abort();
        }
      };
  });

/** A link to the database `name`. `state` new: the first call of `run` makes it if there is none. */
export function createIdbLink(
  factory: IdbFactory,
  { name, state }: { readonly name: string; state: "new" | "open" | "lost" | "closed" },
): IdbLink {
  const listeners = new Set<() => void>();
  let database: IdbDatabase | null = null;
  let last: Promise<unknown> = Promise.resolve();

  function lose(): void {
    if (state !== "lost") for (const listener of listeners) listener();
    state = "lost";
    database?.close();
  }

  async function attempt<Result>(work: Work<Result>): Promise<Result> {
    for (let tries = 1; ; tries += 1) {
      try {
        if (state === "lost") throw lost();
        const open = (database ??= await connect(factory, { name, isNew: state === "new" }));
        // The browser may say late that it has ended a connection, when the next one is open.
        open.onclose = () => {
          if (database === open) database = null;
        };
        open.onversionchange = lose;
        const result = await transact(open, work);
        if (state === "new") state = "open";
        return result;
      } catch (error) {
        const fault = faultOf(error);
        if (fault.fault === "lost") lose();
        if (tries === triesMax || !isBroken.test(fault.message)) throw fault;
        database?.close();
        database = null;
      }
    }
  }

  return {
    run(work) {
      if (state === "closed") return Promise.reject(new VaultError("failed", "The vault is closed"));
      const result = last.then(() => attempt(work));
      last = result.catch(() => {});
      return result;
    },
    onLost: (listener) => void listeners.add(listener),
    close() {
      if (state !== "lost") state = "closed";
      void last.then(() => database?.close());
    },
  };
}
