/** The part of IndexedDB that `indexedDb()` uses, as types: not every configuration of TypeScript knows the browser's. */

export type IdbRequest<Result = unknown> = {
  readonly result: Result;
  readonly error: unknown;
  onsuccess: ((event: never) => void) | null;
  onerror: ((event: never) => void) | null;
};

export type IdbOpenRequest = IdbRequest<IdbDatabase> & {
  readonly transaction: IdbTransaction | null;
  onupgradeneeded: ((event: { readonly oldVersion: number }) => void) | null;
  onblocked: ((event: never) => void) | null;
};

/** The source of a read: a store or an index. */
export interface IdbSource {
  get(key: unknown): IdbRequest;
  getAll(range?: unknown, count?: number): IdbRequest;
}

export interface IdbStore extends IdbSource {
  put(value: unknown, key?: unknown): IdbRequest;
  delete(key: unknown): IdbRequest;
  clear(): IdbRequest;
  index(name: string): IdbSource;
  createIndex(name: string, keyPath: string): IdbSource;
}

export interface IdbTransaction {
  readonly error: unknown;
  oncomplete: ((event: never) => void) | null;
  onabort: ((event: never) => void) | null;
  objectStore(name: string): IdbStore;
  commit?(): void;
  abort(): void;
}

export interface IdbDatabase {
  onversionchange: ((event: never) => void) | null;
  onclose: ((event: never) => void) | null;
  readonly objectStoreNames: { contains(name: string): boolean };
  createObjectStore(name: string, options: { readonly keyPath: string | readonly string[] | null }): IdbStore;
  deleteObjectStore(name: string): void;
  transaction(
    stores: string[],
    mode: "readonly" | "readwrite",
    options: { readonly durability?: "strict" | "relaxed" | undefined },
  ): IdbTransaction;
  close(): void;
}

export interface IdbFactory {
  open(name: string, version: number): IdbOpenRequest;
  deleteDatabase(name: string): IdbOpenRequest;
  /** Firefox has it since 126. */
  databases?(): Promise<readonly { readonly name?: string }[]>;
}

/** The global `IDBKeyRange`. */
export interface IdbRanges {
  bound(lower: unknown, upper: unknown, isLowerOpen?: boolean, isUpperOpen?: boolean): unknown;
  lowerBound(lower: unknown, isOpen?: boolean): unknown;
}
