import { type Identity, identityKey } from "../../model.ts";
import { decodeConversation, encodeConversation } from "../../protocol/conversation-id.ts";
import type { Row, Statement } from "../engine/engine.ts";
import { flag, integer, integerOrNull, text, textOrNull } from "../row.ts";
import { type DeviceStoreOptions, writeUntilGone } from "./device-store.ts";
import * as sql from "./push-sql.ts";

/** A user for whom there is something at `n`, the first of it. Times are milliseconds since the Unix epoch, here and below. */
export type Stirred = Identity & { readonly n: number };

/** Somebody's marks have moved in a conversation. */
export type Reader = Identity & { readonly conversation: string; readonly n: number };

/** A user has blocked another one. */
export type Blocker = Identity & { readonly other: string; readonly n: number };

/** An address, and its first message that is neither decided on nor acked; null: there is none. */
export type Undecided = {
  /** Which of the users that were asked about. */
  readonly i: number;
  readonly address: number;
  readonly provider: string;
  readonly device: string;
  readonly n: number | null;
  /** How many there are; `countedMax` stands for so many or more. */
  readonly count: number;
};

/** Undecided messages of one address that are counted. */
export const countedMax = 64;

/** Something that is due for a device, with all that is needed to decide on it. */
export type Due = {
  readonly address: number;
  readonly conversation: string;
  readonly provider: string;
  readonly tenant: string;
  readonly user: string;
  /** Empty: the user's, whatever the device. */
  readonly device: string;
  readonly token: string;
  readonly hash: string;
  readonly refreshed: number;
  readonly expiresAt: number | null;
  /** The newest message to tell of; null: it is not there any more. */
  readonly message: { readonly id: string; readonly from: string; readonly text: string; readonly time: number } | null;
  readonly n: number;
  readonly seq: number;
  /** The first place on which nothing was decided yet; above `seq`: there is none. */
  readonly first: number;
  /** Since when it has been due: a place in the log, or a time. */
  readonly since: number;
  readonly attempts: number;
  /** The place up to which the device was told; 0: it shows nothing. */
  readonly shown: number;
  readonly acked: number;
  readonly isOff: boolean;
  /** The user's mark in the conversation, and the change at which it last moved. */
  readonly read: number;
  readonly marksN: number;
  /** null: not muted; Infinity: for good. */
  readonly mutedUntil: number | null;
  readonly quietHours: string | null;
  readonly isBlocked: boolean;
  readonly unread: number;
};

/** What has become of something that was due. */
export type Verdict = {
  readonly due: Due;
  /** When to look again; null: not before there is something new. */
  readonly until: number | null;
  /** Whether that was all for the messages up to `due.seq`. */
  readonly isDone: boolean;
  readonly attempts: number;
  /** What the device shows now, or may show; absent: what it showed. */
  readonly shown?: number | undefined;
  /** The provider says that the address is dead. */
  readonly isDead?: boolean | undefined;
  /** For whoever asks why. Absent where it was about a notification's end. */
  readonly log?: { readonly decision: string; readonly reason: string; readonly answer: string | null } | undefined;
};

/** A message whose notifications are explained. */
export type ExplainedMessage = {
  readonly n: number;
  readonly conversation: string;
  readonly seq: number;
  readonly from: string;
  readonly time: number;
  /** The recipient's read mark in the conversation. */
  readonly read: number;
};

/** A device of the user as it is now: one for each of its addresses, or one without an address. */
export type ExplainedDevice = {
  readonly device: string;
  readonly address: number | null;
  readonly provider: string | null;
  /** The log position at which the address was registered. */
  readonly since: number | null;
  readonly acked: number;
};

/** A decision on the messages `first` to `seq` of a conversation, for one address. */
export type LoggedDecision = {
  readonly conversation: string;
  readonly first: number;
  readonly seq: number;
  readonly address: number;
  readonly device: string;
  readonly provider: string;
  readonly time: number;
  readonly decision: string;
  readonly reason: string;
  readonly until: number | null;
  readonly attempts: number;
  readonly answer: string | null;
  readonly clearedAt: number | null;
};

export type Explained = {
  readonly messages: readonly ExplainedMessage[];
  /** The user's addresses, and devices without one. */
  readonly devices: readonly ExplainedDevice[];
  /** In the order of time. */
  readonly log: readonly LoggedDecision[];
  /** There are more messages, devices or decisions than these. */
  readonly isMore: boolean;
};

/** Senders who have used one id are one, as a rule. */
const explainedMessagesMax = 10;
/** Decisions of a conversation that are looked at, from the message on: those of its devices come soon after it. */
const explainedLogRowsMax = 2_000;

const rows = (list: readonly unknown[]): string => JSON.stringify(list);

export type PushStoreOptions = DeviceStoreOptions;

/**
 * What is durable about notifying devices. Whatever the database fails rejects, and its outcome is unknown: to do it again settles it.
 * Methods with a `holder` write nothing once another node has taken the worker's place.
 */
export function createPushStore({ engine, limits, clock }: PushStoreOptions) {
  const one = async (statement: Statement): Promise<Row[]> => (await engine.read([statement]))[0] ?? [];

  return {
    /** Who has the worker's place; a holder that lives makes `beat` grow. */
    async worker(): Promise<{ readonly holder: string; readonly beat: number }> {
      const [row] = await one({ sql: sql.selectWorker });
      return row ? { holder: text(row, "holder"), beat: integer(row, "beat") } : { holder: "", beat: 0 };
    },

    /** Takes the place from a holder of whom nothing was seen since; answers up to where everything was looked at, or null. */
    async take(holder: string, from: { readonly holder: string; readonly beat: number }): Promise<number | null> {
      const [[row] = []] = await engine.write([{ sql: sql.takeWorker, args: [holder, from.holder, from.beat] }]);
      return row ? integer(row, "n") : null;
    },

    /** Says that the holder lives, and up to where everything was looked at; false where the place is another's. */
    async beat(holder: string, n: number): Promise<boolean> {
      const [[row] = []] = await engine.write([{ sql: sql.beatWorker, args: [holder, n] }]);
      return row !== undefined;
    },

    async leave(holder: string): Promise<void> {
      await engine.write([{ sql: sql.leaveWorker, args: [holder] }]);
    },

    /** For whom there were messages, whose marks have moved, and who has blocked whom, between two places of the log. */
    async stirred(
      after: number,
      upTo: number,
    ): Promise<{
      readonly recipients: readonly Stirred[];
      readonly readers: readonly Reader[];
      readonly blockers: readonly Blocker[];
    }> {
      const args = [after, upTo];
      const [recipients = [], readers = [], blockers = []] = await engine.read([
        { sql: sql.selectRecipients, args },
        { sql: sql.selectReaders, args },
        { sql: sql.selectBlockers, args },
      ]);
      const identity = (row: Row): Identity => ({ tenant: text(row, "tenant"), user: text(row, "user") });
      return {
        recipients: recipients.map((row) => ({ ...identity(row), n: integer(row, "n") })),
        readers: readers.map((row) => ({
          ...identity(row),
          conversation: encodeConversation(integer(row, "conversation")),
          n: integer(row, "n"),
        })),
        blockers: blockers.map((row) => ({ ...identity(row), other: text(row, "other"), n: integer(row, "n") })),
      };
    },

    /** Gives users an address with a provider that needs none, unless they have one: it begins with the message at `n`. */
    async addressUsers(
      holder: string,
      users: readonly Stirred[],
      { providers, now }: { readonly providers: readonly string[]; readonly now: number },
    ): Promise<void> {
      const list = users.flatMap(({ tenant, user, n }) => providers.map((name) => [tenant, user, name, n - 1]));
      if (list.length === 0) return;
      const missing = await one({ sql: sql.selectUnaddressed, args: [rows(list)] });
      if (missing.length === 0) return;
      const wanted = missing.map((row) => list[integer(row, "i")]);
      await engine.write([{ sql: sql.insertUserAddresses, args: [holder, rows(wanted), now] }]);
    },

    /** The addresses of users. */
    async undecided(users: readonly Identity[]): Promise<readonly Undecided[]> {
      const list = users.map(({ tenant, user }) => [tenant, user]);
      const found = await one({ sql: sql.selectUndecided, args: [rows(list), countedMax] });
      return found.map((row) => ({
        i: integer(row, "i"),
        address: integer(row, "key"),
        provider: text(row, "provider"),
        device: text(row, "device"),
        n: integerOrNull(row, "n"),
        count: integer(row, "count"),
      }));
    },

    /**
     * Makes due what addresses have not acked up to a place each; of each address a bounded number of messages at a time. Whoever asks
     * bounds how many they are together: all of it is one commit.
     */
    async enqueue(holder: string, list: readonly { readonly address: number; readonly upTo: number }[]): Promise<void> {
      const ranges = rows(list.map(({ address, upTo }) => [address, upTo]));
      const args = [holder, ranges, limits.ackMessagesMax];
      await engine.write([
        { sql: sql.insertNotices, args },
        { sql: sql.advanceDecided, args },
      ]);
    },

    /** Makes due the notifications that show what was read meanwhile; whether there were any. */
    async wakeRead(holder: string, readers: readonly Reader[], now: number): Promise<boolean> {
      const list = rows(
        readers.map(({ tenant, user, conversation }) => [tenant, user, decodeConversation(conversation)]),
      );
      const [row] = await one({ sql: sql.countReadNotices, args: [holder, list, now] });
      if (!row || integer(row, "count") === 0) return false;
      await engine.write([{ sql: sql.wakeReadNotices, args: [holder, list, now] }]);
      return true;
    },

    /** Makes due the notifications that show something of somebody who was blocked; whether there were any. */
    async wakeBlocked(holder: string, blockers: readonly Blocker[], now: number): Promise<boolean> {
      const args = [holder, rows(blockers.map(({ tenant, user, other }) => [tenant, user, other])), now];
      const [row] = await one({ sql: sql.countBlockedNotices, args });
      if (!row || integer(row, "count") === 0) return false;
      await engine.write([{ sql: sql.wakeBlockedNotices, args }]);
      return true;
    },

    /** Whether anything is due, now or later, for any of the providers. */
    async isWaiting(providers: readonly string[]): Promise<boolean> {
      return (await one({ sql: sql.selectWaiting, args: [rows(providers)] })).length > 0;
    },

    /** What is due for a provider's devices, what was due first first. */
    async due(provider: string, now: number, limit: number): Promise<readonly Due[]> {
      const args = [provider, now, limit, limits.pushUnreadRowsMax, now + limits.pushDueMsMax];
      return (await one({ sql: sql.selectDue, args })).map(dueOf);
    },

    /**
     * Messages that users have not read, over their newest conversations without those that are muted and those with people whom they have
     * blocked; in the order of the users, each of whom is counted once.
     */
    async badges(users: readonly Identity[], now: number): Promise<readonly number[]> {
      const list = [...new Map(users.map((each) => [identityKey(each), each])).values()];
      const names = rows(list.map(({ tenant, user }) => [tenant, user]));
      const args = [names, limits.pushBadgeRowsMax, limits.pushBadgeConversationsMax, now];
      const found = await one({ sql: sql.selectBadges, args });
      const badges = new Map(
        found.flatMap((row) => {
          const user = list[integer(row, "i")];
          return user ? [[identityKey(user), integer(row, "badge")]] : [];
        }),
      );
      return users.map((user) => badges.get(identityKey(user)) ?? 0);
    },

    /** Keeps what has become of what was due; false where another node has taken the worker's place, and nothing was kept. */
    async settle(holder: string, verdicts: readonly Verdict[], now: number): Promise<boolean> {
      const key = ({ conversation }: Due): number => decodeConversation(conversation) ?? -1;
      const settled = verdicts.filter(({ isDead }) => !isDead);
      const dead = verdicts.filter(({ isDead }) => isDead).map(({ due }) => [due.address, due.hash, due.refreshed]);
      const notices = rows(
        settled.map(({ due, isDone, until, attempts, shown }) => [
          ...[due.address, key(due), due.seq, due.n],
          ...[isDone, until, attempts, shown ?? null],
        ]),
      );
      const log = verdicts.flatMap((verdict) => (verdict.log ? [logRow(verdict, key(verdict.due))] : []));
      const cleared = verdicts.flatMap(({ due, shown }) => (shown === 0 ? [[key(due), due.shown, due.address]] : []));
      const statements: Statement[] = [
        { sql: sql.settleNotices, args: [holder, notices] },
        { sql: sql.deleteDoneNotices, args: [holder, notices] },
      ];
      if (log.length > 0) statements.push({ sql: sql.upsertLog, args: [holder, rows(log), now] });
      if (cleared.length > 0) statements.push({ sql: sql.markCleared, args: [holder, rows(cleared), now] });
      const deadNotices = { sql: sql.deleteDeadNotices, args: [holder, rows(dead), limits.pushNoticesGoneMax] };
      const ends = [deadNotices, { sql: sql.deleteDeadAddresses, args: [holder, rows(dead)] }];
      if (dead.length > 0) statements.push(...ends);
      statements.push({ sql: sql.selectWorker });
      const results = await engine.write(statements);
      if ((results[statements.indexOf(deadNotices)]?.length ?? 0) >= limits.pushNoticesGoneMax)
        await writeUntilGone({ engine, clock }, ends, limits.pushNoticesGoneMax);
      const [worker] = results[statements.length - 1] ?? [];
      return worker !== undefined && text(worker, "holder") === holder;
    },

    /** Forgets decisions of before a time, a bounded number at once; whether there may be more of them. */
    async prune(holder: string, before: number): Promise<boolean> {
      // Where nothing is old nothing is written, not even an empty transaction.
      if ((await one({ sql: sql.selectOldLog, args: [before] })).length === 0) return false;
      const args = [holder, before, limits.pushPrunedMax];
      const [gone = []] = await engine.write([{ sql: sql.pruneLog, args }]);
      return gone.length > 0 && gone.length >= limits.pushPrunedMax;
    },

    /** What is known about why a user was, or was not, told of a message; of very much the newest. */
    async explained({ tenant, user }: Identity, id: string): Promise<Explained> {
      const [messages = [], addresses = [], devices = []] = await engine.read([
        { sql: sql.selectExplained, args: [tenant, user, id, explainedMessagesMax + 1] },
        { sql: sql.selectExplainedAddresses, args: [tenant, user, limits.pushExplainedMax + 1] },
        { sql: sql.selectExplainedDevices, args: [tenant, user, limits.pushExplainedMax + 1] },
      ]);
      const shown = messages.slice(0, explainedMessagesMax);
      const statements = shown.map((row) => ({
        sql: sql.selectExplainedLog,
        args: [
          ...[tenant, user, integer(row, "conversation"), integer(row, "seq")],
          ...[explainedLogRowsMax, limits.pushExplainedMax + 1],
        ],
      }));
      const logs = statements.length === 0 ? [] : await engine.read(statements);
      const atMost = (list: readonly Row[]): readonly Row[] => list.slice(0, limits.pushExplainedMax);
      return {
        messages: shown.map(explainedMessageOf),
        devices: [...atMost(addresses), ...atMost(devices)].map(explainedDeviceOf),
        log: logs.flatMap((log) => atMost(log).toReversed()).map(loggedDecisionOf),
        isMore:
          messages.length > shown.length ||
          [addresses, devices, ...logs].some((list) => list.length > limits.pushExplainedMax),
      };
    },
  };
}

const explainedMessageOf = (row: Row): ExplainedMessage => ({
  n: integer(row, "n"),
  conversation: encodeConversation(integer(row, "conversation")),
  seq: integer(row, "seq"),
  from: text(row, "sender"),
  time: integer(row, "time"),
  read: integer(row, "read"),
});

const explainedDeviceOf = (row: Row): ExplainedDevice => ({
  device: text(row, "device"),
  address: integerOrNull(row, "address"),
  provider: textOrNull(row, "provider"),
  since: integerOrNull(row, "since"),
  acked: integer(row, "acked"),
});

const loggedDecisionOf = (row: Row): LoggedDecision => ({
  conversation: encodeConversation(integer(row, "conversation")),
  first: integer(row, "first"),
  seq: integer(row, "seq"),
  address: integer(row, "address"),
  device: text(row, "device"),
  provider: text(row, "provider"),
  time: integer(row, "time"),
  decision: text(row, "decision"),
  reason: text(row, "reason"),
  until: integerOrNull(row, "until"),
  attempts: integer(row, "attempts"),
  answer: textOrNull(row, "answer"),
  clearedAt: integerOrNull(row, "cleared"),
});

const logRow = ({ due, log, until, attempts }: Verdict, conversation: number): unknown[] => [
  ...[conversation, due.seq, due.address, Math.min(due.first, due.seq), due.tenant, due.user, due.device],
  ...[due.provider, log?.decision, log?.reason, until, attempts, log?.answer ?? null],
];

function dueOf(row: Row): Due {
  const muted = integerOrNull(row, "muted_until");
  const id = textOrNull(row, "id");
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
      id === null
        ? null
        : {
            id,
            from: text(row, "sender"),
            text: text(row, "text"),
            time: integer(row, "time"),
          },
    n: integer(row, "n"),
    seq: integer(row, "seq"),
    first: integer(row, "first"),
    since: integer(row, "due"),
    attempts: integer(row, "attempts"),
    shown: integer(row, "shown"),
    acked: integer(row, "acked"),
    isOff: !flag(row, "notify"),
    read: integer(row, "read"),
    marksN: integer(row, "marks_n"),
    mutedUntil: muted === null ? null : muted === -1 ? Infinity : muted,
    quietHours: textOrNull(row, "quiet_hours"),
    isBlocked: flag(row, "is_blocked"),
    unread: integer(row, "unread"),
  };
}

export type PushStore = ReturnType<typeof createPushStore>;
