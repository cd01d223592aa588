import { readFileSync } from "node:fs";
import { ChatError } from "../error.ts";
import type { DatabaseAddress } from "./database.ts";

/** A line of the list: a URL with its token, or with `$NAME`, the variable of the environment that holds the token. */
export type Listed = { readonly url: string; readonly token: string | undefined };

/**
 * Reads a list of databases: one per line, its URL and, after a space, a token or `$NAME`. A `#` at the beginning of a line or after a
 * space begins a comment.
 *
 * @throws ChatError `config_invalid`: the file cannot be read, lists no database, or has a malformed line.
 */
export function readDatabaseList(file: string): readonly Listed[] {
  let text: string;
  try {
    text = readFileSync(file, "utf8").replace(/^\uFEFF/, "");
  } catch (cause) {
    throw new ChatError("config_invalid", `The list of databases cannot be read, got ${file}`, { cause });
  }
  const list: Listed[] = [];
  for (const [i, line] of text.split(/\r?\n/).entries()) {
    const [url, token, ...rest] = line
      .replace(/(^|\s)#.*$/, "")
      .trim()
      .split(/\s+/);
    if (!url) continue;
    // The text does not show the line: it may hold a secret.
    if (rest.length > 0 || !/^[a-z][a-z0-9+.-]*:/i.test(url))
      throw new ChatError("config_invalid", `Line ${i + 1} of ${file} is not a URL, or a URL and a token`);
    list.push({ url, token });
  }
  if (list.length === 0) throw new ChatError("config_invalid", `${file} names no database`);
  return list;
}

/** The database's address with its token. A database without a token gets none, so that it never sees the token of another. */
export function addressOfListed({ url, token = "" }: Listed): DatabaseAddress {
  const [, name] = /^\$(\w+)$/.exec(token) ?? [];
  const value = name === undefined ? token : process.env[name];
  if (!value && name !== undefined) throw new ChatError("config_invalid", `The variable ${name} is not set`);
  return { database: url, "auth-token": value ?? "" };
}
