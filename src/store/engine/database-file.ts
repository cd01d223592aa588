import { closeSync, existsSync, openSync, realpathSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { ChatError } from "../../error.ts";
import { reasonOf } from "./failure.ts";
import { redactUrl } from "./redact-url.ts";

/** The path in a `file:` URL: `file:chat.db`, `file:./x/chat.db`, `file:/abs/chat.db` or `file:///abs/chat.db`. */
export function pathOfFileUrl(url: string): string {
  const found = /^file:(?:\/\/(?:localhost)?(?=\/))?([^?#]*)$/i.exec(url);
  const path = found?.[1] === undefined ? undefined : decode(found[1]);
  if (path === undefined || path === "" || path.startsWith("//")) {
    throw new ChatError(
      "config_invalid",
      `A database file is written file:chat.db or file:/folder/chat.db, got ${redactUrl(url)}`,
    );
  }
  return path;
}

/**
 * The one true path of the database file, which is created if it is missing: two names of one file (a link, a
 * relative path) must meet at the same lock.
 */
export function resolveDatabaseFile(path: string): string {
  if (path.trim() === "" || path.includes(":memory:") || path.includes("\0")) {
    throw new ChatError("config_invalid", `The database must be a file that stays, got ${JSON.stringify(path)}`);
  }
  try {
    // Never open a file that is there: closing it again would drop the locks that this process holds on it.
    if (statSync(path, { throwIfNoEntry: false }) === undefined)
      createPrivate(join(realpathSync(dirname(path)), basename(path)));
    if (!statSync(path).isFile()) throw new ChatError("config_invalid", `${path} is not a file`);
    return realpathSync(path);
  } catch (cause) {
    if (cause instanceof ChatError) throw cause;
    const isFolderMissing = !existsSync(dirname(path));
    const reason = isFolderMissing
      ? `the folder ${resolve(dirname(path))} does not exist, create it first`
      : reasonOf(cause);
    throw new ChatError("config_invalid", `The database file ${path} cannot be opened: ${reason}`, { cause });
  }
}

/** Makes a file that only its owner may read. One that is there keeps the mode that its operator gave it. */
export function createPrivate(path: string): void {
  try {
    closeSync(openSync(path, "wx", 0o600));
  } catch (error) {
    // It is there, or another process was faster: the lock decides which of the two may go on.
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  }
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
