import { plant } from "../../plants/index.ts";
import { holdingsOf } from "../../support/alteration.ts";
import { startCrowd } from "./crowd.ts";
import type { RunningServer } from "../../support/server.ts";
import { none, type Outcome, type StartTried } from "./scenario.ts";

export type StoppedReaders = {
  readonly start: StartTried;
  readonly connections: number;
  /** How they stop: each stops reading its socket, or the kernel stops the whole process. */
  readonly how: "pause" | "SIGSTOP";
  /** The server's bound over all connections, in bytes. */
  readonly outboxTotalBytesMax: number;
  /** Messages of 16 000 bytes that wait for each of them. */
  readonly messages: number;
};

const devicesMax = 100;
const textBytes = 16_000;
const returnMs = 120_000;
/** The database's cache is kept small, so that it does not count as the readers' memory. */
const cacheBytes = 1_048_576;
/** Beside the buffers: memory that the allocator has not given back. */
const slackBytes = 32_000_000;
/** The same for each connection: pages of the log went through it, and its buffers grew step by step. */
const slackBytesEach = 30_000;
/** A buffer that grows is copied into a larger one. */
const growth = 1.5;
/** One in ten checks, at the end, whether it gets everything; for the others everything only waits. */
const lookingEvery = 10;

/** R3: the cost of stopped readers in the server's memory, and whether they get everything afterwards. */
export async function tryStoppedReaders(options: StoppedReaders): Promise<Outcome> {
  const { start, connections, how, outboxTotalBytesMax, messages } = options;
  const devices = Math.min(devicesMax, connections);
  const users = Math.ceil(connections / devices);
  const server = await start({
    isInspected: true,
    limits: { outboxTotalBytesMax },
    env: { LOG_LEVEL: "info" },
    alterations: plant("a page cache of so many bytes", cacheBytes),
  });
  const violations: string[] = [];
  try {
    await using readers = await startCrowd();
    await using senders = await startCrowd();
    await readers.call("open", { port: server.port, prefix: "reader", users, devices });
    await readers.call("hold", none);
    if (how === "pause") await readers.call("pause", none);
    else readers.signal("SIGSTOP");
    const before = await residentBytes(server);
    await senders.call("fill", {
      port: server.port,
      prefix: "reader",
      users,
      each: messages,
      text: "x".repeat(textBytes),
    });
    const growthBytes = (await residentBytes(server)) - before;
    const allowed = growth * outboxTotalBytesMax + slackBytes + slackBytesEach * connections;
    if (growthBytes > allowed) {
      violations.push(`memory grew by ${(growthBytes / 1e6).toFixed(0)} MB, allowed are ${(allowed / 1e6).toFixed(0)}`);
      return { violations, figures: { growthBytes } };
    }
    if (how === "SIGSTOP") readers.signal("SIGCONT");
    const { faults, tookMs } = await readers.call("return", { ms: returnMs, each: messages, every: lookingEvery });
    violations.push(...faults.slice(0, 5));
    return { violations, figures: { growthBytes, resumedMs: tookMs.at(-1) ?? Number.NaN, readers: users * devices } };
  } finally {
    await server.dispose();
  }
}

/** The process's memory once its garbage is collected: the buffers of sockets are not garbage. */
async function residentBytes(server: RunningServer): Promise<number> {
  await holdingsOf(server);
  return server.residentBytes();
}
