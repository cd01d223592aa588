import { startLink, type Link } from "./link.ts";
import { type NatsServer, startNats } from "./nats-server.ts";
import { databaseEnv, migrateSqld } from "./remote-server.ts";
import { type RunningServer, type Start, startServer } from "./server.ts";
import { type Sqld, startSqld } from "./sqld.ts";

/** One of several servers on one database. */
export type Node = {
  readonly name: string;
  /** The same for all servers that are in this place one after the other. */
  readonly url: string;
  /** The running process, or the last one. */
  server(): RunningServer;
  /** Its wires: to the database, and to the bus. */
  readonly database: Link;
  readonly bus: Link;
  /** Ends it as a power cut would. */
  kill9(): Promise<void>;
  /** Starts another one in its place, once it has ended. */
  replace(): Promise<void>;
  /** Stops the process, which then answers no request and ends nothing, until `wake`. */
  pause(): void;
  wake(): void;
};

export type Nodes = {
  readonly all: readonly Node[];
  readonly sqld: Sqld;
  /** Absent where the nodes have no bus. */
  readonly nats: NatsServer | undefined;
  /** The environment of a further server on this database and this bus; it has no links of its own. */
  readonly env: Readonly<Record<string, string>>;
  stop(): Promise<void>;
};

export type NodesOptions = {
  readonly count?: number;
  /** Starts each server. Default: the standalone one. */
  readonly start?: Start;
  /** Variables of each server beside its port, its database and its bus. */
  readonly env?: Readonly<Record<string, string>>;
  /** False: nodes publish nothing to each other, as if the bus were dead for ever. */
  readonly hasBus?: boolean;
  /** False: nodes connect to the servers directly, and their links do nothing. For measurements: a link costs this process time. */
  readonly hasLinks?: boolean;
  /** The database; default: a server of their own, which ends with them. It must have been migrated. */
  readonly sqld?: Sqld;
  /** The bus; default: a server of their own. */
  readonly nats?: NatsServer;
};

/**
 * Starts several servers on one database server and one bus, each a process of its own. Needs `nats-server`, but for `hasBus: false`: use it
 * inside `describeWith("nats-server", …)`.
 *
 * @example
 * const nodes = await startNodes({ count: 3 });
 * const alice = await join(nodes.all[0].url, { user: "alice" });
 */
export async function startNodes(options: NodesOptions = {}): Promise<Nodes> {
  const { count = 3, start = startServer, hasBus = true, hasLinks = true } = options;
  const sqld = options.sqld ?? (await startSqld({ isGuarded: true }));
  if (options.sqld === undefined) await migrateSqld(sqld);
  const nats = hasBus ? (options.nats ?? (await startNats())) : undefined;
  const envAt = (databasePort: number, busPort: number): Record<string, string> => ({
    ...databaseEnv(sqld),
    DATABASE_URL: `http://127.0.0.1:${databasePort}`,
    ...(hasBus && { CLUSTER_URL: `nats://127.0.0.1:${busPort}` }),
    ...options.env,
  });
  const sqldPort = Number(new URL(sqld.url).port);
  const natsPort = nats?.port ?? 0;

  async function startNode(name: string): Promise<Node> {
    const [database, bus] = await Promise.all([startLink(sqldPort), startLink(natsPort)]);
    const env = hasLinks ? envAt(database.port, bus.port) : envAt(sqldPort, natsPort);
    let server = await start({ env }).catch((error: unknown) => {
      database.stop();
      bus.stop();
      throw error;
    });
    const { port, url } = server;
    return {
      ...{ name, url, database, bus },
      server: () => server,
      kill9: () => server.kill9(),
      async replace() {
        await server.dispose();
        server = await start({ env, port });
      },
      pause: () => server.signal("SIGSTOP"),
      wake: () => server.signal("SIGCONT"),
    };
  }

  const started = await Promise.allSettled(Array.from({ length: count }, (_, i) => startNode(`node ${i}`)));
  const all = started.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));

  async function stop(): Promise<void> {
    for (const { server, database, bus } of all) {
      await server().dispose();
      database.stop();
      bus.stop();
    }
    if (options.nats === undefined) await nats?.stop();
    if (options.sqld === undefined) await sqld.stop();
  }

  const failed = started.find((one) => one.status === "rejected");
  if (failed !== undefined) {
    await stop();
    throw failed.reason;
  }
  return { all, sqld, nats, env: envAt(sqldPort, natsPort), stop };
}
