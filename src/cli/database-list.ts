import { readFileSync } from "node:fs";
import { ChatError } from "../error.ts";
import type { DatabasePlace } from "./database.ts";

/** A line of the list: a token as it stands, or as `$NAME` of the environment. */
export type Listed = { readonly url: string; readonly token: string | undefined };

/**
 * The databases of a list: one a line, its URL and, after a blank, a token or `$NAME`. What follows a `#` at the beginning of a line or
 * behind a blank is a comment.
 *
 * @throws ChatError `config_invalid`: the file cannot be read, names none, or has a line that is something else.
 */
export function readDatabaseList(file: string): readonly Listed[] {
  let text: string;
  try {
    text = readFileSync(file, "utf8").replace(/^\uFEFF/, "");
  } catch (cause) {
    throw new ChatError("config_invalid", `The list of databases cannot be read, got ${file}`, { cause });
  }
  const list: Listed[] = [];
  for (const [i, line] of text.split("\n").entries()) {
    const [url, token, ...rest] = line
      .replace(/(^|\s)#.*$/, "")
      .trim()
      .split(/\s+/);
    if (!url) continue;
    // What stands there may be a secret.
    if (rest.length > 0 || !/^[a-z][a-z0-9+.-]*:/i.test(url))
      throw new ChatError("config_invalid", `Line ${i + 1} of ${file} is not a URL, or a URL and a token`);
    list.push({ url, token });
  }
  if (list.length === 0) throw new ChatError("config_invalid", `${file} names no database`);
  return list;
}

/** Where it is, with the token that is meant. A database without one gets none: that of another is not shown to it. */
export function placeOfListed({ url, token = "" }: Listed): DatabasePlace {
  const [, name] = /^\$(\w+)$/.exec(token) ?? [];
  const value = name === undefined ? token : process.env[name];
  if (!value && name !== undefined) throw new ChatError("config_invalid", `The variable ${name} is not set`);
  return { database: url, "auth-token": value ?? "" };
}
