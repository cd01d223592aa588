import { defaultLimits as limits } from "../../../src/protocol/limits.ts";
import type { Engine, Row, Statement } from "../../../src/store/engine/engine.ts";
import { selectDue } from "../../../src/store/push/due-sql.ts";
import { takeWorker } from "../../../src/store/push/push-sql.ts";
import { ackedOf, nameOfAddress, nameOfConversation } from "./push-truth.ts";
import type { SimProcess } from "./process.ts";
import type { Timeline } from "./timeline.ts";

/** Everything that a node's worker could know of one due notification when it looked; read apart from the statements of src. */
export type Look = {
  readonly at: number;
  /** Unique among addresses. */
  readonly name: string;
  readonly key: number;
  readonly tenant: string;
  readonly user: string;
  readonly device: string;
  readonly provider: string;
  readonly token: string;
  readonly conversation: string;
  readonly seq: number;
  /** The message's. */
  readonly id: string;
  /** The name of the log's history. */
  readonly history: string;
  readonly from: string;
  readonly time: number;
  readonly isAcked: boolean;
  readonly read: number;
  readonly isBlocked: boolean;
  readonly isOff: boolean;
  /** Infinity: for good. */
  readonly mutedUntil: number | null;
  readonly quietHours: string | null;
  readonly expires: number | null;
  readonly unread: number;
};

/** A worker counts unread messages only above this seq: below the last message of both users it looks at this many. */
const lookedAbove = `${-limits.pushUnreadRowsMax} + min(
  (SELECT coalesce(max(w.seq), 0) FROM tidings_message w WHERE w.conversation = x.conversation AND w.recipient = a.user),
  (SELECT coalesce(max(w.seq), 0) FROM tidings_message w WHERE w.conversation = x.conversation AND w.sender = a.user))`;

const facts = `
SELECT a.key, a.since, a.device, a.provider, a.token, a.expires, u.tenant, u.id AS user, x.conversation, x.seq, m.id, (SELECT epoch FROM tidings_head) AS history, m.time, s.id AS sender,
  m.n <= ${ackedOf} AS is_acked, p.read,
  (SELECT count(*) FROM tidings_relation r WHERE r.user = a.user AND r.other = m.sender AND r.blocked = 1) AS blocks,
  (SELECT count(*) FROM tidings_device d WHERE d.user = a.user AND d.device = a.device AND d.notify = 0) AS offs,
  (SELECT coalesce(t.until, 'forever') FROM tidings_mute t WHERE t.user = a.user AND t.conversation = x.conversation) AS muted,
  (SELECT q.hours FROM tidings_quiet_hours q WHERE q.user = a.user) AS hours,
  (SELECT count(*) FROM tidings_message w WHERE w.conversation = x.conversation AND w.recipient = a.user AND w.seq > max(p.read, ${lookedAbove})) AS unread
FROM (SELECT j.value ->> 0 AS address, j.value ->> 1 AS conversation, j.value ->> 2 AS seq FROM json_each(?1) j) x
JOIN tidings_push_address a ON a.key = x.address JOIN tidings_user u ON u.key = a.user
JOIN tidings_message m ON m.conversation = x.conversation AND m.seq = x.seq JOIN tidings_user s ON s.key = m.sender
JOIN tidings_member p ON p.conversation = x.conversation AND p.user = a.user`;

const lookOf = (row: Row, at: number): Look => ({
  at,
  name: nameOfAddress(row),
  key: Number(row["key"]),
  ...{ tenant: String(row["tenant"]), user: String(row["user"]), device: String(row["device"]) },
  ...{
    provider: String(row["provider"]),
    token: String(row["token"]),
    conversation: nameOfConversation(row["conversation"]),
    seq: Number(row["seq"]),
    ...{ id: String(row["id"]), history: String(row["history"]) },
  },
  ...{ from: `${String(row["tenant"])}/${String(row["sender"])}`, time: Number(row["time"]) },
  ...{ isAcked: row["is_acked"] === 1, read: Number(row["read"]), isBlocked: row["blocks"] !== 0 },
  isOff: row["offs"] !== 0,
  mutedUntil: row["muted"] === null ? null : row["muted"] === "forever" ? Infinity : Number(row["muted"]),
  quietHours: row["hours"] === null ? null : String(row["hours"]),
  expires: row["expires"] === null ? null : Number(row["expires"]),
  unread: Number(row["unread"]),
});

export type Looks = ReturnType<typeof createLooks>;

/** Observes the database, before faults are added on the way to it: each worker's last look, and takeovers of the lease. */
export function createLooks(timeline: Timeline) {
  const seen = new WeakMap<SimProcess, Map<string, readonly Look[]>>();
  let takeovers = 0;
  let worker: SimProcess | null = null;
  let holder: SimProcess | null = null;

  async function note(engine: Engine, process: SimProcess, statement: Statement, rows: readonly Row[]): Promise<void> {
    const places = rows.map((row) => [row["address"], row["conversation"], row["seq"]]);
    const [found = []] = places.length === 0 ? [] : await engine.read([{ sql: facts, args: [JSON.stringify(places)] }]);
    worker = process;
    const looks = seen.get(process) ?? new Map<string, readonly Look[]>();
    seen.set(process, looks);
    looks.set(
      String(statement.args?.[0]),
      found.map((row) => lookOf(row, timeline.now())),
    );
  }

  return {
    /** How often a worker has taken the lease so far. */
    takeovers: (): number => takeovers,
    /** The database was restored: the next holder of the lease has taken it anew. */
    restore(): void {
      takeovers++;
      holder = null;
    },
    /** The node whose worker holds the lease. */
    holder: (): SimProcess | null => holder,
    /** The node of the worker that looked last. */
    worker: (): SimProcess | null => worker,
    /** The last look of a node's worker at the due notifications of a provider: it looks again only once that is decided on. */
    last: (process: SimProcess, provider: string): readonly Look[] => seen.get(process)?.get(provider) ?? [],
    watch: (engine: Engine, process: SimProcess): Engine => ({
      ...engine,
      async read(statements) {
        const results = await engine.read(statements);
        for (const [i, statement] of statements.entries())
          if (statement.sql === selectDue) await note(engine, process, statement, results[i] ?? []);
        return results;
      },
      async write(statements) {
        const results = await engine.write(statements);
        for (const [i, { sql }] of statements.entries())
          if (sql === takeWorker && (results[i] ?? []).length > 0) {
            takeovers++;
            holder = process;
          }
        return results;
      },
    }),
  };
}
