/** The load generator of groups: connected members, of whom some write, in a process of its own. Prints its measurements as JSON. */
import { answer, childInput } from "../child.ts";
import { memberName } from "../groups/seed.ts";
import { cpuSeconds } from "../process-usage.ts";
import { LoadClient, startAcks } from "./client.ts";

export type GroupCrowdInput = {
  readonly port: number;
  /** The server's process. */
  readonly pid: number;
  readonly group: string;
  readonly connected: number;
  readonly senders: number;
  /** Sends that each sender keeps unanswered. */
  readonly window: number;
  readonly textBytes: number;
  /** Whether they ack what they were sent, as real clients do. */
  readonly acks: boolean;
  readonly warmUpMs: number;
  readonly measureMs: number;
};

export type GroupCrowdAnswer = {
  readonly deliveriesPerSecond: number;
  /** Cores' worth of processor time. */
  readonly serverCpu: number;
  readonly loadCpu: number;
  readonly bytesPerDelivery: number;
  readonly messagesPerFrame: number;
};

const connectingMax = 100;
const drainMs = 30_000;
const levelOfGroups = 3;

const input = childInput<GroupCrowdInput>();
const text = "x".repeat(input.textBytes);
let state: "sending" | "draining" = "sending";
let [sent, accepted, delivered] = [0, 0, 0];

function send(client: LoadClient): void {
  sent++;
  client.sendInto(input.group, text);
}

const clients: LoadClient[] = [];
for (let first = 0; first < input.connected; first += connectingMax) {
  const wave = Array.from({ length: Math.min(connectingMax, input.connected - first) }, (_, i) => {
    const client: LoadClient = new LoadClient(
      { port: input.port, user: memberName(first + i), level: levelOfGroups },
      {
        onAccepted: () => {
          accepted++;
          if (state === "sending") send(client);
        },
        onMessages: (count) => void (delivered += count),
      },
    );
    return client;
  });
  clients.push(...wave);
  await Promise.all(wave.map(({ caughtUp }) => caughtUp));
}
const stopAcks = input.acks ? startAcks(clients) : () => {};
for (const client of clients.slice(0, input.senders)) for (let i = 0; i < input.window; i++) send(client);
await Bun.sleep(input.warmUpMs);

const of = (what: "frames" | "bytes"): number => clients.reduce((sum, client) => sum + client[what], 0);
const now = () => ({
  time: performance.now(),
  delivered,
  server: cpuSeconds(input.pid),
  load: cpuSeconds(process.pid),
  ...{ frames: of("frames"), bytes: of("bytes") },
});
const before = now();
await Bun.sleep(input.measureMs);
const after = now();
state = "draining";

const end = performance.now() + drainMs;
// Who writes is not sent it on the connection that wrote it.
const isComplete = (): boolean => accepted === sent && delivered === sent * (clients.length - 1);
while (!isComplete() && performance.now() < end) await Bun.sleep(20);
if (!isComplete())
  throw new Error(`Of ${sent} sends ${accepted} were accepted; ${delivered} deliveries to ${clients.length} members`);
stopAcks();
const seconds = (after.time - before.time) / 1_000;
const deliveries = after.delivered - before.delivered;
answer({
  deliveriesPerSecond: deliveries / seconds,
  serverCpu: (after.server - before.server) / seconds,
  loadCpu: (after.load - before.load) / seconds,
  bytesPerDelivery: (after.bytes - before.bytes) / deliveries,
  messagesPerFrame: deliveries / (after.frames - before.frames),
} satisfies GroupCrowdAnswer);
process.exit(0);
