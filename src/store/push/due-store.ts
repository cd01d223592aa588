import { type Identity, identityKey } from "../../model.ts";
import { decodeConversation, encodeConversation } from "../../protocol/conversation-id.ts";
import type { Row, Statement } from "../engine/engine.ts";
import { flag, integer, integerOrNull, text, textOrNull } from "../row.ts";
import { type DeviceStoreOptions, readOne, rowsOf, writeUntilGone } from "./device-store.ts";
import * as sql from "./due-sql.ts";
import { markCleared, upsertLog } from "./push-log-sql.ts";
import { selectWorker } from "./push-sql.ts";

/** A notice that is due: one address and one conversation, with all facts that a decision needs. Times are milliseconds since the Unix epoch. */
export type Due = {
  readonly address: number;
  readonly conversation: string;
  readonly provider: string;
  readonly tenant: string;
  readonly user: string;
  /** Empty: the address is the user's, for any device. */
  readonly device: string;
  readonly token: string;
  readonly hash: string;
  readonly refreshed: number;
  readonly expiresAt: number | null;
  /** The newest message to notify of; null: it was deleted. */
  readonly message: { readonly id: string; readonly from: string; readonly text: string; readonly time: number } | null;
  readonly n: number;
  readonly seq: number;
  /** The first seq without a decision; above `seq`: there is none. */
  readonly first: number;
  readonly since: DueSince;
  readonly attempts: number;
  /** The seq up to which the device shows a notification; 0: it shows none. */
  readonly shown: number;
  readonly acked: number;
  readonly isOff: boolean;
  /** The user's read mark in the conversation, and the `n` at which it last moved. */
  readonly read: number;
  readonly marksN: number;
  /** null: not muted; Infinity: forever. */
  readonly mutedUntil: number | null;
  readonly quietHours: string | null;
  readonly isBlocked: boolean;
  readonly unread: number;
};

/** Since when a notice is due: since a log position, where it was due at once, or since a time that was set for it. */
export type DueSince =
  { readonly type: "position"; readonly n: number } | { readonly type: "time"; readonly time: number };

/** The result for a notice that was due. */
export type Verdict = {
  readonly due: Due;
  /** When to look again; null: when there is a new message. */
  readonly until: number | null;
  /** Whether the messages up to `due.seq` are done. */
  readonly isDone: boolean;
  readonly attempts: number;
  /** The seq that the device shows now, or may show; absent: unchanged. */
  readonly shown?: number | undefined;
  /** The provider says that the address is dead. */
  readonly isDead?: boolean | undefined;
  /** The decision that `explained` shows. Absent for the removal of a notification. */
  readonly log?: { readonly decision: string; readonly reason: string; readonly answer: string | null } | undefined;
};

/** What sending the due notices needs. */
export type DueStore = {
  /** Whether a notice is due for one of the providers, now or later. */
  isWaiting(providers: readonly string[]): Promise<boolean>;
  /** The due notices of a provider, the longest due first. */
  due(provider: string, now: number, limit: number): Promise<readonly Due[]>;
  /**
   * The number of unread messages of each user, over their newest conversations, without muted conversations and blocked senders. In the order
   * of `users`; each user is counted once.
   */
  badges(users: readonly Identity[], now: number): Promise<readonly number[]>;
  /** Keeps verdicts; false where another node has taken the lease, and nothing was kept. */
  settle(holder: string, verdicts: readonly Verdict[], now: number): Promise<boolean>;
};

export function createDueStore(options: DeviceStoreOptions): DueStore {
  const { engine, limits } = options;
  return {
    async isWaiting(providers) {
      return (await readOne(engine, { sql: sql.selectWaiting, args: [rowsOf(providers)] })).length > 0;
    },

    async due(provider, now, limit) {
      const args = [provider, now, limit, limits.pushUnreadRowsMax, now + limits.pushDueMsMax];
      return (await readOne(engine, { sql: sql.selectDue, args })).map(dueOf);
    },

    async badges(users, now) {
      const list = [...new Map(users.map((each) => [identityKey(each), each])).values()];
      const names = rowsOf(list.map(({ tenant, user }) => [tenant, user]));
      const args = [names, limits.pushBadgeRowsMax, limits.pushBadgeConversationsMax, now];
      const found = await readOne(engine, { sql: sql.selectBadges, args });
      const badges = new Map(
        found.flatMap((row) => {
          const user = list[integer(row, "i")];
          return user ? [[identityKey(user), integer(row, "badge")]] : [];
        }),
      );
      return users.map((user) => badges.get(identityKey(user)) ?? 0);
    },

    async settle(holder, verdicts, now) {
      const settled = verdicts.filter(({ isDead }) => !isDead);
      const dead = verdicts.filter(({ isDead }) => isDead).map(({ due }) => [due.address, due.hash, due.refreshed]);
      const notices = rowsOf(settled.map(noticeRow));
      const log = verdicts.filter((verdict) => verdict.log).map(logRow);
      const cleared = verdicts.flatMap(({ due, shown }) => (shown === 0 ? [[keyOf(due), due.shown, due.address]] : []));
      const statements: Statement[] = [
        { sql: sql.settleNotices, args: [holder, notices] },
        { sql: sql.deleteDoneNotices, args: [holder, notices] },
      ];
      if (log.length > 0) statements.push({ sql: upsertLog, args: [holder, rowsOf(log), now] });
      if (cleared.length > 0) statements.push({ sql: markCleared, args: [holder, rowsOf(cleared), now] });
      const deadNotices = { sql: sql.deleteDeadNotices, args: [holder, rowsOf(dead), limits.pushNoticesGoneMax] };
      const ends = [deadNotices, { sql: sql.deleteDeadAddresses, args: [holder, rowsOf(dead)] }];
      if (dead.length > 0) statements.push(...ends);
      statements.push({ sql: selectWorker });
      const results = await engine.write(statements);
      if ((results[statements.indexOf(deadNotices)]?.length ?? 0) >= limits.pushNoticesGoneMax)
        await writeUntilGone(options, ends);
      const worker = results.at(-1)?.[0];
      return worker !== undefined && text(worker, "holder") === holder;
    },
  };
}

const keyOf = ({ conversation }: Due): number => decodeConversation(conversation) ?? -1;

const noticeRow = ({ due, isDone, until, attempts, shown }: Verdict): unknown[] => [
  ...[due.address, keyOf(due), due.seq, due.n],
  ...[isDone, until, attempts, shown ?? null],
];

const logRow = ({ due, log, until, attempts }: Verdict): unknown[] => [
  ...[keyOf(due), due.seq, due.address, Math.min(due.first, due.seq), due.tenant, due.user, due.device],
  ...[due.provider, log?.decision, log?.reason, until, attempts, log?.answer ?? null],
];

function dueOf(row: Row): Due {
  const [muted, id] = [integerOrNull(row, "muted_until"), textOrNull(row, "id")];
  const [n, due] = [integer(row, "n"), integer(row, "due")];
  return {
    address: integer(row, "address"),
    conversation: encodeConversation(integer(row, "conversation")),
    provider: text(row, "provider"),
    tenant: text(row, "tenant"),
    user: text(row, "user"),
    device: text(row, "device"),
    token: text(row, "token"),
    hash: text(row, "hash"),
    refreshed: integer(row, "refreshed"),
    expiresAt: integerOrNull(row, "expires"),
    message:
      id === null ? null : { id, from: text(row, "sender"), text: text(row, "text"), time: integer(row, "time") },
    n,
    seq: integer(row, "seq"),
    first: integer(row, "first"),
    // One column holds both. A position is never after the notice's newest message; a time in milliseconds is after every position.
    since: due <= n ? { type: "position", n: due } : { type: "time", time: due },
    attempts: integer(row, "attempts"),
    shown: integer(row, "shown"),
    acked: integer(row, "acked"),
    isOff: !flag(row, "notify"),
    read: integer(row, "read"),
    marksN: integer(row, "marks_n"),
    mutedUntil: muted === -1 ? Infinity : muted,
    quietHours: textOrNull(row, "quiet_hours"),
    isBlocked: flag(row, "is_blocked"),
    unread: integer(row, "unread"),
  };
}
