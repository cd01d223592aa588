import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Chat, createChat } from "../../src/chat.ts";
import type { ChatOptions } from "../../src/chat-options.ts";
import type { Admission } from "../../src/access/admission.ts";
import { createLocalBus } from "../../src/bus/local-bus.ts";
import type { MessageHook } from "../../src/hook/message-hook.ts";
import type { Limits } from "../../src/protocol/limits.ts";
import type { PushProvider } from "../../src/push/provider.ts";
import { createEmbeddedEngine } from "../../src/store/engine/embedded.ts";
import type { Engine } from "../../src/store/engine/engine.ts";
import { bundledMigrations } from "../../src/store/migration/bundled.ts";
import { migrate } from "../../src/store/migration/migrate.ts";
import { selectRecentRevocations } from "../../src/store/revocation-sql.ts";
import { selectHead } from "../../src/store/sql.ts";
import { type FakeSocket, fakeSocket, until } from "../support/fake-socket.ts";

export type SharedNodesOptions = {
  readonly nodes?: number;
  readonly limits?: Partial<Limits>;
  /** Wraps the engine of each node, to see or to hold its calls. */
  readonly wrapEngine?: (engine: Engine, node: number) => Engine;
  readonly push?: readonly PushProvider[];
  /** The hook of each node. */
  readonly onMessage?: (node: number) => MessageHook;
  readonly hasBus?: boolean;
  /** Default: the header x-user says who it is. */
  readonly authenticate?: ChatOptions["authenticate"];
  readonly revalidate?: ChatOptions["revalidate"];
};

type ConnectOptions = {
  readonly node?: number;
  readonly device?: string;
  readonly cursor?: string | undefined;
  readonly level?: number;
};

/** Whole chats on one database, with fake sockets; the database can be set back to an earlier state. */
export async function startSharedNodes(options: SharedNodesOptions = {}) {
  const {
    nodes = 1,
    limits,
    wrapEngine = (engine) => engine,
    push = [],
    hasBus = true,
    revalidate,
    onMessage,
  } = options;
  const { authenticate = ({ headers }: Request) => ({ user: headers.get("x-user") ?? "" }) } = options;
  const folder = mkdtempSync(join(tmpdir(), "tidings-history-"));
  const engine = createEmbeddedEngine({ path: join(folder, "chat.db") });
  await migrate(engine, bundledMigrations);
  const bus = createLocalBus();
  const shared: Engine = { read: engine.read, write: engine.write, close: async () => {} };
  const chats: Chat[] = Array.from({ length: nodes }, (_, i) =>
    createChat({
      database: { url: `file:${join(folder, "chat.db")}`, open: () => wrapEngine(shared, i) },
      authenticate,
      ...(revalidate && { revalidate }),
      ...(hasBus && { bus: bus.connect() }),
      push: [...push],
      ...(onMessage && { onMessage: onMessage(i) }),
      limits: { headPollMs: 50, storeProbeMs: 20, marksDelayMs: 1, presenceGraceMs: 1, ...limits },
    }),
  );
  await Promise.all(chats.map((chat) => chat.ready()));

  const tables = async (): Promise<readonly string[]> => {
    const [rows = []] = await engine.read([
      {
        sql: "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'tidings@_%' ESCAPE '@' AND name NOT LIKE '%migrations'",
      },
    ]);
    return rows.map((row) => String(row["name"]));
  };

  return {
    engine,
    chats,
    folder,
    bus,

    /** Connects a device and answers its socket; null where the node refuses it now. */
    async connect(
      user: string,
      { node = 0, device = "phone", cursor, level }: ConnectOptions = {},
    ): Promise<FakeSocket> {
      const chat = chats[node];
      if (!chat) throw new Error(`There is no node ${node}`);
      const asked = level === undefined ? "" : `&level=${level}`;
      const query = `device=${device}${cursor === undefined ? "" : `&cursor=${encodeURIComponent(cursor)}`}${asked}`;
      const request = new Request(`http://127.0.0.1/ws?${query}`, {
        headers: { upgrade: "websocket", "x-user": user },
      });
      let admission: Admission | Response = await chat.admit(request);
      for (let i = 0; admission instanceof Response && admission.status === 503 && i < 1_000; i++) {
        await Bun.sleep(5);
        admission = await chat.admit(request);
      }
      if (admission instanceof Response) throw new Error(`The upgrade was refused with ${admission.status}`);
      const socket = fakeSocket();
      socket.attach(chat.connect(socket.socket, admission));
      return socket;
    },

    /** A copy of all rows, to restore later. */
    async backUp(): Promise<Backup> {
      const names = await tables();
      const lists = await engine.read(names.map((name) => ({ sql: `SELECT * FROM ${name}` })));
      return new Map(names.map((name, i) => [name, lists[i] ?? []]));
    },

    /** Replaces the database by a copy, under the running nodes; `epoch`: the name of the new history, if it gets one. */
    async restore(backup: Backup, epoch?: string): Promise<void> {
      await engine.write([
        ...[...backup.keys()].map((name) => ({ sql: `DELETE FROM ${name}` })),
        ...[...backup].flatMap(([name, rows]) =>
          rows.map((row) => ({
            sql: `INSERT INTO ${name} (${Object.keys(row).join()}) VALUES (${Object.keys(row)
              .map(() => "?")
              .join()})`,
            args: Object.values(row),
          })),
        ),
        ...(epoch === undefined
          ? []
          : [
              { sql: "UPDATE tidings_head SET epoch = ?", args: [epoch] },
              { sql: "UPDATE tidings_push_worker SET holder = '', beat = 0" },
            ]),
      ]);
    },

    async epoch(): Promise<string> {
      const [[row] = []] = await engine.read([{ sql: "SELECT epoch FROM tidings_head" }]);
      return String(row?.["epoch"]);
    },

    async stop(): Promise<void> {
      await Promise.all(chats.map((chat) => chat.close()));
      await engine.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export type Backup = ReadonlyMap<string, readonly Readonly<Record<string, string | number | null>>[]>;
export type SharedNodes = Awaited<ReturnType<typeof startSharedNodes>>;

export const isLive = (socket: FakeSocket): boolean => socket.of("changes").some(({ more }) => !more);
export const textsOf = (socket: FakeSocket): string[] =>
  socket.changes().flatMap((change) => (change.kind === "message" ? [change.text] : []));
export const lastCursor = (socket: FakeSocket): string | undefined => socket.of("changes").at(-1)?.cursor;
export const closed = (socket: FakeSocket): Promise<void> => until(() => socket.state.closed !== null, "the close");

/**
 * One more node, which does not get beyond its opening before it has seen what becomes of the database meanwhile.
 *
 * @param happens Run once the node has read the log's head.
 */
export function openMeanwhile({ engine }: SharedNodes, happens: () => Promise<void>): Chat {
  const seen = Promise.withResolvers<void>();
  let has: "not yet" | "happened" = "not yet";
  return createChat({
    database: {
      url: "file:unused",
      open: () => ({
        ...engine,
        async read(statements) {
          const results = await engine.read(statements);
          if (has === "not yet" && statements.some(({ sql }) => sql === selectRecentRevocations)) {
            await happens();
            has = "happened";
            await seen.promise;
          } else if (has === "happened" && statements.some(({ sql }) => sql === selectHead)) seen.resolve();
          return results;
        },
        close: async () => {},
      }),
    },
    authenticate: ({ headers }) => ({ user: headers.get("x-user") ?? "" }),
    limits: { headPollMs: 50, storeProbeMs: 20 },
  });
}
