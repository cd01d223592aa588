import type { Engine, Row } from "../../../src/store/engine/engine.ts";

/** A device's address as it is stored. `name` is unique. */
export type TrueAddress = {
  readonly name: string;
  readonly key: number;
  readonly owner: string;
  readonly tenant: string;
  readonly user: string;
  readonly device: string;
  readonly provider: string;
  readonly token: string;
  readonly since: number;
  readonly expires: number | null;
  readonly acked: number;
};

/** The newest message of a conversation to one of its users, and how far that user has read. */
export type Newest = {
  readonly conversation: string;
  readonly owner: string;
  readonly from: string;
  readonly n: number;
  readonly seq: number;
  readonly read: number;
  /** The change at which their marks last moved. */
  readonly marksN: number;
};

/** Everything about notifications in the database, read apart from the statements of src. */
export type PushTruth = {
  readonly addresses: readonly TrueAddress[];
  readonly newest: readonly Newest[];
  /** By address and conversation. */
  readonly notices: ReadonlyMap<string, { readonly n: number; readonly due: number | null; readonly shown: number }>;
  /** The reason, by address, conversation and seq. */
  readonly log: ReadonlyMap<string, { readonly decision: string; readonly reason: string }>;
  /** The users' notification settings, as text. */
  readonly wishes: ReadonlySet<string>;
};

/** No two addresses share a name, even where the store gives one key to two of them, one after the other. */
export const nameOfAddress = (row: Row): string =>
  `${row["key"]} ${row["tenant"]}/${row["user"]}/${row["device"]} ${row["provider"]} ${row["since"]}`;

export const nameOfConversation = (key: unknown): string => `c${Number(key).toString(36)}`;

/** How far the device of an address `a` has acked. */
export const ackedOf = `(SELECT coalesce(max(d.acked), 0) FROM tidings_device d WHERE d.user = a.user AND a.device IN ('', d.device))`;

const statements = [
  `SELECT a.key, a.since, a.device, a.provider, a.token, a.expires, u.tenant, u.id AS user, ${ackedOf} AS acked
    FROM tidings_push_address a JOIN tidings_user u ON u.key = a.user ORDER BY a.key`,
  `SELECT m.conversation, m.n, m.seq, u.tenant, u.id AS user, s.id AS sender, p.read, p.n AS marks_n
    FROM (SELECT max(n) AS n FROM tidings_message GROUP BY conversation, recipient) x JOIN tidings_message m ON m.n = x.n
    JOIN tidings_user u ON u.key = m.recipient JOIN tidings_user s ON s.key = m.sender
    JOIN tidings_member p ON p.conversation = m.conversation AND p.user = m.recipient ORDER BY m.n`,
  `SELECT address, conversation, n, due, shown FROM tidings_push_notice`,
  `SELECT address, conversation, seq, decision, reason FROM tidings_push_log`,
  `SELECT 'off ' || u.tenant || '/' || u.id || '/' || d.device AS wish FROM tidings_device d JOIN tidings_user u ON u.key = d.user WHERE d.notify = 0
    UNION ALL SELECT 'mute ' || u.tenant || '/' || u.id || ' ' || m.conversation || ' ' || coalesce(m.until, 'forever')
      FROM tidings_mute m JOIN tidings_user u ON u.key = m.user WHERE m.until IS NOT 0
    UNION ALL SELECT 'quiet ' || u.tenant || '/' || u.id || ' ' || q.hours FROM tidings_quiet_hours q JOIN tidings_user u ON u.key = q.user`,
].map((sql) => ({ sql }));

export const emptyPushTruth: PushTruth = {
  addresses: [],
  newest: [],
  notices: new Map(),
  log: new Map(),
  wishes: new Set(),
};

export async function readPushTruth(engine: Pick<Engine, "read">): Promise<PushTruth> {
  const [addresses = [], newest = [], notices = [], log = [], wishes = []] = await engine.read(statements);
  const ownerOf = (row: Row): string => `${String(row["tenant"])}/${String(row["user"])}`;
  return {
    addresses: addresses.map((row) => ({
      ...{ name: nameOfAddress(row), key: Number(row["key"]), owner: ownerOf(row) },
      ...{ tenant: String(row["tenant"]), user: String(row["user"]), device: String(row["device"]) },
      ...{ provider: String(row["provider"]), token: String(row["token"]), since: Number(row["since"]) },
      expires: row["expires"] === null ? null : Number(row["expires"]),
      acked: Number(row["acked"]),
    })),
    newest: newest.map((row) => ({
      conversation: nameOfConversation(row["conversation"]),
      owner: ownerOf(row),
      from: `${String(row["tenant"])}/${String(row["sender"])}`,
      ...{ n: Number(row["n"]), seq: Number(row["seq"]), read: Number(row["read"]), marksN: Number(row["marks_n"]) },
    })),
    notices: new Map(
      notices.map((row) => [
        `${row["address"]} ${nameOfConversation(row["conversation"])}`,
        { n: Number(row["n"]), due: row["due"] === null ? null : Number(row["due"]), shown: Number(row["shown"]) },
      ]),
    ),
    log: new Map(
      log.map((row) => [
        `${row["address"]} ${nameOfConversation(row["conversation"])} ${row["seq"]}`,
        { decision: String(row["decision"]), reason: String(row["reason"]) },
      ]),
    ),
    wishes: new Set(wishes.map(({ wish }) => String(wish))),
  };
}
