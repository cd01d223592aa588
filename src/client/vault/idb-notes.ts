import type { Scope } from "./contract.ts";

export type LocalNotes = {
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
