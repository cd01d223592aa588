import type { Scope, Storage } from "./contract.ts";

type LocalNotes = {
  readonly [key: string]: unknown;
  getItem(key: string): string | null;
  setItem(key: string, text: string): void;
  removeItem(key: string): void;
};

const browser = globalThis as unknown as { readonly localStorage?: LocalNotes };

/** How the names of all databases begin. */
export const prefix = "tidings 1 ";

/** The name of the database of a scope. */
export const nameOf = ({ url, tenant, user }: Scope): string => prefix + JSON.stringify([url, tenant, user]);

/** Reads or writes the notes of which scopes were opened here: unlike databases they can be read at once, and listed in every browser. Undefined: there are none. */
export function notes<Result>(use: (local: LocalNotes) => Result): Result | undefined {
  try {
    return browser.localStorage && use(browser.localStorage);
  } catch {
    // The browser keeps none, or has no room.
    return undefined;
  }
}

/** Whether a scope was never opened here, as far as the browser keeps notes. */
export const isNew = (scope: Scope): boolean => notes((local) => local.getItem(nameOf(scope)) === null) ?? false;

/** The name of a note, which is not that of a database: the row or the draft that a page was keeping as it was left. */
const lastOf = (name: string, key: string): string => `last ${name} ${key}`;

const namesOfLast = (local: LocalNotes, name: string): readonly string[] =>
  Object.keys(local).filter((key) => key.startsWith(lastOf(name, "")));

/** See `Storage.leave`. */
export const noteLast: NonNullable<Storage["leave"]> = (scope, { key, write }) =>
  notes((local) => {
    const of = lastOf(nameOf(scope), key);
    if (write === null) local.removeItem(of);
    else local.setItem(of, JSON.stringify(write));
  });

/** The writes that were noted, as JSON. */
export const lastNotes = (name: string): readonly string[] =>
  notes((local) => namesOfLast(local, name).map((key) => local.getItem(key) ?? "{}")) ?? [];

export const forgetLast = (name: string, keys: readonly string[]): void =>
  notes((local) => keys.forEach((key) => local.removeItem(lastOf(name, key))));

/** Forgets everything of a database. */
export const forgetAll = (name: string): void =>
  notes((local) => [name, ...namesOfLast(local, name)].forEach((key) => local.removeItem(key)));
