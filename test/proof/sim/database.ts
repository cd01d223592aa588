import "../../support/commit-in-place.ts";
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { createEmbeddedEngine } from "../../../src/store/engine/embedded.ts";
import type { Row } from "../../../src/store/engine/engine.ts";
import { firstEpoch, simulatedSecret } from "./cursor-reader.ts";
import { newEpoch } from "../../../src/store/epoch.ts";
import { levelMax } from "../../../src/log/log-kinds.ts";
import type { Setting } from "../../../src/model.ts";
import type { Random } from "../../../src/internal/random.ts";
import { bundledMigrations } from "../../../src/store/migration/bundled.ts";
import { migrate } from "../../../src/store/migration/migrate.ts";
import { memoryRoot } from "../../support/memory-root.ts";
import type { Sighting } from "../checker/checker.ts";
import { type PushTruth, readPushTruth } from "./push-truth.ts";

export type Person = { readonly tenant: string; readonly user: string };

/** A message and its position in the log. */
export type Logged = Sighting & { readonly n: number };

/** All rows of a database at one moment, by table. */
export type Backup = {
  readonly tables: ReadonlyMap<string, readonly Row[]>;
  /** Its history, and the last position. */
  readonly epoch: string;
  readonly n: number;
};

/** The log, read directly from the database. */
export type Truth = {
  readonly messages: number;
  readonly historyOf: (owner: string) => readonly Logged[];
  /** The two users (`tenant/user`) of a conversation. */
  readonly peopleOf: (conversation: string) => readonly string[];
  /** The contacts and blocks that a user (`tenant/user`) has set. */
  readonly relationsOf: (
    owner: string,
  ) => ReadonlyMap<string, { readonly contact: boolean; readonly blocked: boolean }>;
  /** The settings of a user (`tenant/user`) that the log has, by conversation. */
  readonly settingsOf: (owner: string) => ReadonlyMap<string, Setting>;
  /** Whether this device of a user (`tenant/user`) is known. */
  readonly hasDevice: (owner: string, device: string) => boolean;
  /** How far any device of a user (`tenant/user`) has acked. */
  readonly newestAck: (owner: string) => number;
  /** Marks that have moved, by `conversation tenant/user`. */
  readonly marks: ReadonlyMap<string, { readonly delivered: number; readonly read: number }>;
  readonly push: PushTruth;
};

/** A real database for one world after another. It is emptied in between: opening a new one would take most of the time. */
export async function openDatabase() {
  const folder = mkdtempSync(join(memoryRoot, "tidings-sim-"));
  const engine = createEmbeddedEngine({ path: join(folder, "chat.db") });
  await migrate(engine, bundledMigrations);
  const tables = ["message", "member", "conversation", "device", "relation", "seen", "ticket", "revocation", "user"];
  const pushTables = ["push_address", "push_notice", "push_log", "mute", "quiet_hours"];
  const wipe = [...tables, ...pushTables].map((table) => ({ sql: `DELETE FROM tidings_${table}` }));
  const kept = [...tables, ...pushTables, "head", "push_worker"].map((table) => `tidings_${table}`);

  async function head(): Promise<{ readonly epoch: string; readonly n: number }> {
    const [[row] = []] = await engine.read([{ sql: "SELECT epoch, n FROM tidings_head" }]);
    return { epoch: String(row?.["epoch"]), n: Number(row?.["n"]) };
  }

  return {
    engine,
    /** Empties it, but for devices that exist from the beginning. */
    async reset(people: readonly (Person & { readonly device: string })[]): Promise<void> {
      const rows = JSON.stringify(people.map(({ tenant, user, device }) => [tenant, user, device]));
      await engine.write([
        ...wipe,
        {
          sql: `UPDATE tidings_head SET n = 0, level = 1, epoch = ?1, secret = ?2`,
          args: [firstEpoch, simulatedSecret],
        },
        { sql: `UPDATE tidings_push_worker SET holder = '', beat = 0, n = 0` },
        {
          sql: `INSERT INTO tidings_user (tenant, id) SELECT DISTINCT j.value ->> 0, j.value ->> 1 FROM json_each(?1) j ORDER BY j.key`,
          args: [rows],
        },
        {
          // It has acked nothing yet, at any level.
          sql: `INSERT INTO tidings_device (user, device, acked, level) SELECT u.key, j.value ->> 2, 0, ${levelMax}
            FROM json_each(?1) j JOIN tidings_user u ON u.tenant = j.value ->> 0 AND u.id = j.value ->> 1`,
          args: [rows],
        },
      ]);
    },
    head,
    /** These devices of a user were last seen when the clock began. */
    async age(owner: string, devices: readonly string[]): Promise<void> {
      const args = [owner, JSON.stringify(devices)];
      const user = "(SELECT u.key FROM tidings_user u WHERE u.tenant || '/' || u.id = ?1)";
      const isNamed = "device IN (SELECT j.value FROM json_each(?2) j)";
      await engine.write([{ sql: `UPDATE tidings_device SET seen = 1 WHERE user = ${user} AND ${isNamed}`, args }]);
    },
    /** A copy of all rows. */
    async backUp(): Promise<Backup> {
      const lists = await engine.read(kept.map((table) => ({ sql: `SELECT * FROM ${table}` })));
      const tables = new Map(kept.map((table, i) => [table, lists[i] ?? []]));
      const [row] = tables.get("tidings_head") ?? [];
      return { tables, epoch: String(row?.["epoch"]), n: Number(row?.["n"]) };
    },
    /** Replaces all rows by a copy, in one transaction. `epoch`: the name of the new history, where it gets one at once. */
    async restore({ tables }: Backup, epoch: string | null): Promise<void> {
      await engine.write([
        ...kept.map((table) => ({ sql: `DELETE FROM ${table}` })),
        ...[...tables].flatMap(([table, rows]) => {
          const names = Object.keys(rows[0] ?? {});
          if (names.length === 0) return [];
          const values = names.map((_, i) => `j.value ->> ${i}`).join();
          const args = [JSON.stringify(rows.map((row) => names.map((name) => row[name])))];
          return [{ sql: `INSERT INTO ${table} (${names.join()}) SELECT ${values} FROM json_each(?1) j`, args }];
        }),
        ...(epoch === null
          ? []
          : [
              { sql: "UPDATE tidings_head SET epoch = ?1", args: [epoch] },
              { sql: "UPDATE tidings_push_worker SET holder = '', beat = 0" },
              { sql: "DELETE FROM tidings_ticket" },
            ]),
      ]);
    },
    /** An administrator's step after a restore: `tidings epoch new`. */
    rename: (random: Random): Promise<string> => newEpoch(engine, random),
    async truth(): Promise<Truth> {
      const [rows = [], relationRows = [], markRows = [], deviceRows = [], settingRows = []] = await engine.read([
        {
          sql: `SELECT m.n, m.conversation, m.seq, m.id, m.text, s.tenant, s.id AS sender, r.id AS recipient
            FROM tidings_message m JOIN tidings_user s ON s.key = m.sender JOIN tidings_user r ON r.key = m.recipient ORDER BY m.n`,
        },
        {
          sql: `SELECT a.tenant, a.id AS user, b.id AS other, r.contact, r.blocked
            FROM tidings_relation r JOIN tidings_user a ON a.key = r.user JOIN tidings_user b ON b.key = r.other`,
        },
        {
          sql: `SELECT p.conversation, u.tenant, u.id AS user, p.delivered, p.read
            FROM tidings_member p JOIN tidings_user u ON u.key = p.user WHERE p.n > 0`,
        },
        {
          sql: "SELECT u.tenant, u.id AS user, d.device, d.acked FROM tidings_device d JOIN tidings_user u ON u.key = d.user",
        },
        {
          sql: `SELECT u.tenant, u.id AS user, m.conversation, coalesce(m.until, -1) AS until, m.version
            FROM tidings_mute m JOIN tidings_user u ON u.key = m.user WHERE m.n > 0`,
        },
      ]);
      const settings = new Map<string, Map<string, Setting>>();
      for (const row of settingRows) {
        const owner = `${row["tenant"]}/${row["user"]}`;
        const own = settings.get(owner) ?? new Map<string, Setting>();
        settings.set(owner, own);
        const until = Number(row["until"]);
        own.set(`c${Number(row["conversation"]).toString(36)}`, {
          ...{ muted: until !== 0, ...(until > 0 && { until }), version: Number(row["version"]) },
        });
      }
      const relations = new Map<string, Map<string, { contact: boolean; blocked: boolean }>>();
      for (const row of relationRows) {
        const owner = `${row["tenant"]}/${row["user"]}`;
        const own = relations.get(owner) ?? new Map<string, { contact: boolean; blocked: boolean }>();
        relations.set(owner, own);
        own.set(String(row["other"]), { contact: row["contact"] === 1, blocked: row["blocked"] === 1 });
      }
      const marks = new Map(
        markRows.map((row) => [
          `c${Number(row["conversation"]).toString(36)} ${row["tenant"]}/${row["user"]}`,
          { delivered: Number(row["delivered"]), read: Number(row["read"]) },
        ]),
      );
      const devices = new Set(deviceRows.map((row) => `${row["tenant"]}/${row["user"]} ${row["device"]}`));
      const acked = new Map<string, number>();
      for (const row of deviceRows) {
        const owner = `${row["tenant"]}/${row["user"]}`;
        acked.set(owner, Math.max(acked.get(owner) ?? 0, Number(row["acked"])));
      }
      const histories = new Map<string, Logged[]>();
      const people = new Map<string, readonly string[]>();
      for (const row of rows) {
        const tenant = String(row["tenant"]);
        const [from, to] = [`${tenant}/${String(row["sender"])}`, `${tenant}/${String(row["recipient"])}`];
        const conversation = `c${Number(row["conversation"]).toString(36)}`;
        const message = {
          conversation,
          seq: Number(row["seq"]),
          n: Number(row["n"]),
          id: String(row["id"]),
          from,
          text: String(row["text"]),
        };
        people.set(conversation, [from, to]);
        for (const owner of [from, to]) {
          const history = histories.get(owner);
          if (history) history.push(message);
          else histories.set(owner, [message]);
        }
      }
      return {
        messages: rows.length,
        historyOf: (owner) => histories.get(owner) ?? [],
        peopleOf: (conversation) => people.get(conversation) ?? [],
        relationsOf: (owner) => relations.get(owner) ?? new Map<string, { contact: boolean; blocked: boolean }>(),
        marks,
        settingsOf: (owner) => settings.get(owner) ?? new Map<string, Setting>(),
        newestAck: (owner) => acked.get(owner) ?? 0,
        hasDevice: (owner, device) => devices.has(`${owner} ${device}`),
        push: await readPushTruth(engine),
      };
    },
    async close(): Promise<void> {
      await engine.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export type SimDatabase = Awaited<ReturnType<typeof openDatabase>>;
