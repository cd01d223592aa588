import { startNats } from "../../test/support/nats-server.ts";
import { startSqld } from "../../test/support/sqld.ts";
import { type Benchmark, type BenchOptions, type Measure, measure } from "./benchmark.ts";
import { runPairs } from "./load/run-pairs.ts";
import { prepareDatabase } from "./remote-database.ts";
import { withScratch } from "./scratch.ts";
import { type ServerProcess, withServer } from "./server-process.ts";

const aloneSeconds = 3;

type Counts = { readonly applied: number; readonly read: number };

/** Each sender and its receiver are on two nodes: one, two, … of them on one libSQL server, with NATS in between. */
export const nodes: Benchmark = async (options) => {
  const measures: Measure[] = [];
  const rates: number[] = [];
  for (const count of options.nodes) {
    const found = await run(count, options);
    rates.push(found.rate);
    const name = count === 1 ? "1 node" : `${count} nodes`;
    measures.push(
      measure(`${name}: messages`, "messages/s", found.rate),
      measure(`${name}: to the first of these`, "×", found.rate / (rates[0] ?? found.rate)),
      measure(`${name}: accepted, median`, "ms", found.acceptedMs),
      measure(`${name}: received, median`, "ms", found.receivedMs),
      measure(`${name}: alone: accepted p50`, "ms", found.alone.acceptedMs.p50),
      measure(`${name}: alone: received p50`, "ms", found.alone.receivedMs.p50),
      measure(`${name}: alone: received p99`, "ms", found.alone.receivedMs.p99),
      measure(`${name}: processor of all nodes`, "µs/message", found.cpuMicros),
      measure(`${name}: processor of the database`, "µs/message", found.databaseMicros),
      measure(`${name}: processor of NATS`, "µs/message", found.busMicros),
      measure(`${name}: on the bus`, "bytes/message", found.busBytes),
      measure(`${name}: hints that needed a read`, "of 1", readShare(found.counts)),
    );
  }
  const whole = await run(1, options, { hasBystander: true });
  const divided = await run(1, options, { hasBystander: true, isDivided: true });
  const two = { whole: await run(2, options), divided: await run(2, options, { isDivided: true }) };
  return [
    ...measures,
    measure("a node without users: processor", "µs/message", whole.bystanderMicros),
    measure("a node without users: from NATS", "bytes/message", whole.busBytesOut),
    measure("divided: a node without users: processor", "µs/message", divided.bystanderMicros),
    measure("divided: a node without users: from NATS", "bytes/message", divided.busBytesOut),
    measure("divided: on the bus", "bytes/message", divided.busBytes),
    measure("divided: processor of its writer, to undivided", "×", divided.cpuMicros / whole.cpuMicros),
    measure("divided: processor of two nodes, to undivided", "×", two.divided.cpuMicros / two.whole.cpuMicros),
    measure("divided: processor of NATS, to undivided", "×", two.divided.busMicros / two.whole.busMicros),
    measure("divided: hints that needed a read", "of 1", readShare(two.divided.counts)),
  ];
};

const readShare = ({ applied, read }: Counts): number => (applied + read === 0 ? 0 : read / (applied + read));
/** More nodes than any benchmark starts: no commit is divided. */
const undividedNodesMin = 1_000;

async function run(count: number, options: BenchOptions, { hasBystander = false, isDivided = false } = {}) {
  const { pairs, window, seconds, textBytes } = options;
  const sqld = await startSqld();
  const bus = await startNats();
  try {
    await prepareDatabase(sqld.url);
    const env = {
      DATABASE_URL: sqld.url,
      CLUSTER_URL: bus.url,
      AUDIENCE_NODES_MIN: String(isDivided ? 2 : undividedNodesMin),
    };
    return await withScratch((folder) =>
      withNodes(count + (hasBystander ? 1 : 0), { folder, env }, async (all) => {
        const servers = all.slice(0, count);
        const [first, ...others] = servers;
        if (!first) throw new Error("There is no node");
        const alone = await runPairs(first, { pairs: 1, window: 1, seconds: aloneSeconds, textBytes, others });
        const bytes = async (way: "in_bytes" | "out_bytes"): Promise<number> => Number((await bus.ask("/varz"))[way]);
        const [before, beforeOut] = [await bytes("in_bytes"), await bytes("out_bytes")];
        const beside = [sqld.pid(), bus.pid(), ...all.slice(count).map(({ pid }) => pid)];
        const seen = await runPairs(first, { pairs, window, seconds, textBytes, others, beside });
        const published = (await bytes("in_bytes")) - before;
        const carried = (await bytes("out_bytes")) - beforeOut;
        const counts = await Promise.all(servers.map(countsOf));
        const rate = Math.min(seen.acceptedPerSecond, seen.receivedPerSecond);
        const [databaseMicros = 0, busMicros = 0, bystanderMicros = 0] = seen.besideCpu.map(
          (cpu) => (cpu * 1e6) / rate,
        );
        return {
          rate,
          acceptedMs: seen.acceptedMs.p50,
          receivedMs: seen.receivedMs.p50,
          cpuMicros: (seen.serverCpu * 1e6) / rate,
          databaseMicros,
          busMicros,
          bystanderMicros,
          alone,
          busBytes: published / seen.sent,
          busBytesOut: carried / seen.sent,
          counts: counts.reduce((a, b) => ({ applied: a.applied + b.applied, read: a.read + b.read })),
        };
      }),
    );
  } finally {
    await bus.stop();
    await sqld.stop();
  }
}

const countsOf = async ({ port }: ServerProcess): Promise<Counts> =>
  (await (await fetch(`http://127.0.0.1:${port}/counts`)).json()) as Counts;

/** Starts them one inside the other, so that each is ended after any failure. */
async function withNodes<T>(
  count: number,
  options: { readonly folder: string; readonly env: Readonly<Record<string, string>> },
  use: (servers: readonly ServerProcess[]) => Promise<T>,
): Promise<T> {
  const started: ServerProcess[] = [];
  const next = (): Promise<T> =>
    started.length === count
      ? use(started)
      : withServer({ ...options, entry: "load/node-server.ts" }, (server) => {
          started.push(server);
          return next();
        });
  return await next();
}
