import type { Identity } from "../../model.ts";
import { decodeConversation, encodeConversation } from "../../protocol/conversation-id.ts";
import type { Row, Value } from "../engine/engine.ts";
import { integer, integerOrNull, text } from "../row.ts";
import { type DeviceStoreOptions, readOne, rowsOf } from "./device-store.ts";
import * as sql from "./unacked-sql.ts";

/** A user with new messages, the first of them at `n`. */
export type Recipient = Identity & { readonly n: number };
/** A user read a conversation further, at `n`. */
export type Reader = Identity & { readonly conversation: string; readonly n: number };
/** A user blocked `other`, at `n`. */
export type Blocker = Identity & { readonly other: string; readonly n: number };

/** An address, and its first message that is neither acked nor decided on. */
export type Undecided = {
  /** The index of its user in the query. */
  readonly i: number;
  readonly address: number;
  readonly provider: string;
  readonly device: string;
  /** null: there is no such message. */
  readonly n: number | null;
  /** The number of such messages; `countedMax` means that many or more. */
  readonly count: number;
};

/** Undecided messages of one address that are counted. */
export const countedMax = 64;

/** What finding the devices that have not acked in time needs. */
export type UnackedStore = {
  /** What may concern notifications in the log after position `after`, up to `upTo`. */
  pendingBetween(
    after: number,
    upTo: number,
  ): Promise<{
    readonly recipients: readonly Recipient[];
    readonly readers: readonly Reader[];
    readonly blockers: readonly Blocker[];
  }>;
  /** Gives users an address with each provider that needs none, unless they have one. It starts with their message at `n`. */
  addressUsers(
    holder: string,
    users: readonly Recipient[],
    options: { readonly providers: readonly string[]; readonly now: number },
  ): Promise<void>;
  /** The addresses of users. */
  undecided(users: readonly Identity[]): Promise<readonly Undecided[]>;
  /**
   * Makes notices of the messages that addresses have not acked, up to a position each; for each address a bounded number of messages at a time.
   * All of it is one commit: the caller bounds the sum.
   */
  enqueue(holder: string, list: readonly { readonly address: number; readonly upTo: number }[]): Promise<void>;
  /** Makes the shown notifications due that were read since; whether there were any. */
  wakeRead(holder: string, readers: readonly Reader[], now: number): Promise<boolean>;
  /** Makes the shown notifications of blocked senders due; whether there were any. */
  wakeBlocked(holder: string, blockers: readonly Blocker[], now: number): Promise<boolean>;
};

export function createUnackedStore({ engine, limits }: DeviceStoreOptions): UnackedStore {
  /** Looks first: where there is nothing to wake, nothing is written. */
  async function wake([count, update]: readonly [string, string], args: readonly Value[]): Promise<boolean> {
    const [found] = await readOne(engine, { sql: count, args });
    if (!found || integer(found, "count") === 0) return false;
    await engine.write([{ sql: update, args }]);
    return true;
  }

  return {
    async pendingBetween(after, upTo) {
      const args = [after, upTo];
      const [recipients = [], readers = [], blockers = []] = await engine.read([
        { sql: sql.selectRecipients, args },
        { sql: sql.selectReaders, args },
        { sql: sql.selectBlockers, args },
      ]);
      return {
        recipients: recipients.map(recipientOf),
        readers: readers.map((row) => ({
          ...recipientOf(row),
          conversation: encodeConversation(integer(row, "conversation")),
        })),
        blockers: blockers.map((row) => ({ ...recipientOf(row), other: text(row, "other") })),
      };
    },

    async addressUsers(holder, users, { providers, now }) {
      const list = users.flatMap(({ tenant, user, n }) => providers.map((name) => [tenant, user, name, n - 1]));
      if (list.length === 0) return;
      const missing = await readOne(engine, { sql: sql.selectUnaddressed, args: [rowsOf(list)] });
      if (missing.length === 0) return;
      const wanted = missing.map((row) => list[integer(row, "i")]);
      await engine.write([{ sql: sql.insertUserAddresses, args: [holder, rowsOf(wanted), now] }]);
    },

    async undecided(users) {
      const list = users.map(({ tenant, user }) => [tenant, user]);
      return (await readOne(engine, { sql: sql.selectUndecided, args: [rowsOf(list), countedMax] })).map(undecidedOf);
    },

    async enqueue(holder, list) {
      const args = [holder, rowsOf(list.map(({ address, upTo }) => [address, upTo])), limits.ackMessagesMax];
      await engine.write([
        { sql: sql.insertNotices, args },
        { sql: sql.advanceDecided, args },
      ]);
    },

    wakeRead(holder, readers, now) {
      const rows = readers.map(({ tenant, user, conversation }) => [tenant, user, decodeConversation(conversation)]);
      return wake([sql.countReadNotices, sql.wakeReadNotices], [holder, rowsOf(rows), now]);
    },

    wakeBlocked(holder, blockers, now) {
      const rows = blockers.map(({ tenant, user, other }) => [tenant, user, other]);
      return wake([sql.countBlockedNotices, sql.wakeBlockedNotices], [holder, rowsOf(rows), now]);
    },
  };
}

const recipientOf = (row: Row): Recipient => ({
  tenant: text(row, "tenant"),
  user: text(row, "user"),
  n: integer(row, "n"),
});

const undecidedOf = (row: Row): Undecided => ({
  i: integer(row, "i"),
  address: integer(row, "key"),
  provider: text(row, "provider"),
  device: text(row, "device"),
  n: integerOrNull(row, "n"),
  count: integer(row, "count"),
});
