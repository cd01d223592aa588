import { existsSync, statSync } from "node:fs";
import { ChatError } from "../../error.ts";
import type { FileLock } from "./file-lock.ts";
import { isOwnLog } from "./log-mark.ts";
import {
  descriptorsAtOpen,
  type Identity,
  isDescriptorOf,
  isSame,
  isSharedHere,
  look,
  owning,
  readProc,
  type Standing,
  strangersOf,
} from "./own-handles.ts";

/** How long an answer to "is it still ours alone?" is believed where nothing is written. */
const believedMs = 1_000;
/** Descriptors of this process that are looked at each time that the answer is no longer believed. */
const descriptorsALook = 64;
const descriptorsMax = 65_536;

/**
 * Refuses a file that has a second name: a server that opens it by the other name would take another lock and write another log, and both
 * servers would accept messages that only one of them keeps.
 *
 * @throws ChatError `database_unfit`.
 */
export function requireOneName(file: string): void {
  const links = statSync(file).nlink;
  if (links > 1)
    throw new ChatError(
      "database_unfit",
      `${file} has ${links} names (hard links), and its log and its lock go by the name. Delete the other names, or copy the file`,
    );
  if (mountPoints().includes(file))
    throw new ChatError(
      "database_unfit",
      `${file} is mounted by itself, so that its log ${file}-wal and its lock are not beside it on that volume. Mount the folder that holds it`,
    );
}

/** The mount points that `/proc/self/mountinfo` lists (Linux); elsewhere none. */
function mountPoints(): string[] {
  return readProc("mountinfo")
    .split("\n")
    .map((line) =>
      line.split(" ")[4]?.replace(/\\([0-7]{3})/g, (_, code: string) => String.fromCharCode(parseInt(code, 8))),
    )
    .filter((path) => path !== undefined);
}

const isTouched = (now: Standing | undefined, known: Standing | undefined): boolean =>
  now !== undefined && known !== undefined && (now.mtimeNs !== known.mtimeNs || now.size !== known.size);

/** A fault of the file of a running engine. */
export type FileFault = ChatError & {
  /** Whether the open connection may still write its log into the file, as it does when it is closed. */
  readonly isLogGood: boolean;
  /** The log has no name any more; the connection still has it. */
  readonly isLogGone: boolean;
  /** Another SQLite of this process has it open: when that closes it, the locks of this one are gone too. */
  readonly isShared: boolean;
};

const faultOf = (text: string, { isLogGood = false, isLogGone = false, isShared = false } = {}): FileFault =>
  Object.assign(new ChatError("unavailable", text), { isLogGood, isLogGone, isShared });

/**
 * Watches the file of an engine while it runs. SQLite holds it open, and would go on writing into a file that was deleted or replaced
 * meanwhile: messages that are accepted then are lost at the next start.
 */
export function guardFile(file: string, lock: FileLock) {
  const wal = `${file}-wal`;
  const identity = look(file);
  let known: Standing | undefined = identity;
  let log: Identity | undefined;
  /** Descriptors of the file that are not ours: other code of this process may write through them at any moment. */
  let suspects: number[] = [];
  let nextDescriptor = 0;
  let lookedAt = -Infinity;
  let fault: FileFault | undefined;
  let isOverwritten = false;

  /** Not with each call, because it costs more. Looks at the next descriptors each time, so that all have their turn. */
  function findSuspects(): void {
    const found = strangersOf(identity, { from: nextDescriptor, count: descriptorsALook });
    suspects = [...new Set([...suspects, ...found])];
    nextDescriptor = (nextDescriptor + descriptorsALook) % descriptorsMax;
  }

  function findFault(isBelieved: boolean): FileFault | undefined {
    const now = look(file);
    if (!isSame(now, identity))
      return faultOf(
        `${file} is no longer the file that was opened: it was moved, deleted or replaced. Nothing is accepted any more. ` +
          'Stop this server; where a backup was put there, put it there with "tidings restore"; start again',
        { isLogGood: true },
      );
    if (!lock.isHeld())
      return faultOf(`The lock of ${file} was deleted, and another process has taken a new one. Stop this server`);
    const isChanged = isTouched(now, known);
    // A log that is asked for its times has to write them down anew with each commit, which costs a fifth of it.
    const beside = isBelieved && !isChanged && existsSync(wal) ? log : look(wal);
    if (log !== undefined && !isSame(beside, log))
      return faultOf(
        `The log ${wal} was deleted or replaced while this server wrote to it. Nothing is accepted any more. Start it again`,
        { isLogGone: beside === undefined },
      );
    if (isOverwritten || isChanged) {
      isOverwritten = owning(file, () => isOwnLog(file)) === false;
      if (isOverwritten)
        return faultOf(
          `${file} was written over by another program while this server had it open. Nothing is accepted any more. ` +
            'Stop this server, and put the backup there with "tidings restore"',
        );
      known = now;
    }
    suspects = suspects.filter((descriptor) => isDescriptorOf(descriptor, identity));
    if (isBelieved && suspects.length === 0) return undefined;
    if (!isBelieved) findSuspects();
    if (isSharedHere(file))
      return faultOf(
        `Something else in this process has ${file} open with a SQLite of its own (bun:sqlite, node:sqlite, better-sqlite3), and neither sees ` +
          "the locks of the other. Nothing is accepted while it is open. Give the chat a file of its own",
        { isLogGood: true, isShared: true },
      );
    return undefined;
  }

  return {
    /** Whether the name still leads to the file that was opened first. */
    isThere: (): boolean => isSame(look(file), identity),

    /** Opens a connection with `open`, which reads, so that its log is there. */
    opening<T>(open: () => T): T {
      const opened = owning(file, open);
      log = look(wal);
      known = look(file);
      suspects = strangersOf(identity, { from: 0, count: descriptorsAtOpen });
      nextDescriptor = descriptorsAtOpen;
      lookedAt = -Infinity;
      return opened;
    },

    /** A call has ended. Answers whether SQLite has written to the file itself, as it does where it moves the log there. */
    wrote(): boolean {
      const now = look(file);
      const isMoved = isTouched(now, known);
      if (isSame(now, identity)) known = now;
      return isMoved;
    },

    /** The engine has closed its connection, and has no log. */
    closed(): void {
      log = undefined;
    },

    /** Whether the file is unchanged since the last call. */
    isUntouched(): boolean {
      const now = look(file);
      return isSame(now, known) && !isTouched(now, known);
    },

    /** The fault that the file has now. `isBefore`: a write is about to begin. */
    fault({ isBefore }: { readonly isBefore: boolean }): FileFault | undefined {
      const now = performance.now();
      const isBelieved = now - lookedAt < believedMs;
      if (isBelieved && !isBefore) return fault;
      fault = findFault(isBelieved && fault === undefined);
      if (!isBelieved) lookedAt = now;
      return fault;
    },
  };
}

export type FileGuard = ReturnType<typeof guardFile>;
