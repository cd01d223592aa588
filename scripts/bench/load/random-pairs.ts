/** A load generator: few senders, each of whose messages goes to a peer drawn at random, who is away. Prints its measurements as JSON. */
import { answer, childInput } from "../child.ts";
import { cpuSeconds } from "../process-usage.ts";
import { peersOf, type Population, senderName } from "../storage/seed.ts";
import { LoadClient, startAcks } from "./client.ts";

export type RandomPairsInput = {
  readonly port: number;
  readonly pid: number;
  readonly population: Population;
  /** Sends that each sender keeps unanswered. */
  readonly window: number;
  readonly textBytes: number;
  readonly warmUpMs: number;
  readonly measureMs: number;
};

export type RandomPairsAnswer = {
  readonly acceptedPerSecond: number;
  readonly sent: number;
  readonly accepted: number;
  /** Cores' worth of processor time. */
  readonly serverCpu: number;
};

const drainMs = 20_000;

const input = childInput<RandomPairsInput>();
const text = "x".repeat(input.textBytes);
let isSending = true;
let sent = 0;
let accepted = 0;

const starts: (() => void)[] = [];
const clients = Array.from({ length: input.population.senders }, (_, i) => {
  const peers = peersOf(input.population, i);
  const send = (): void => {
    sent++;
    client.send(peers[Math.floor(Math.random() * peers.length)] ?? "", text);
  };
  const onAccepted = (): void => {
    accepted++;
    if (isSending) send();
  };
  const client = new LoadClient({ port: input.port, user: senderName(i) }, { onAccepted });
  starts.push(send);
  return client;
});
await Promise.all(clients.map(({ caughtUp }) => caughtUp));
const stopAcks = startAcks(clients);
for (const send of starts) for (let i = 0; i < input.window; i++) send();

const snapshot = () => ({ at: performance.now(), accepted, server: cpuSeconds(input.pid) });
await Bun.sleep(input.warmUpMs);
const first = snapshot();
await Bun.sleep(input.measureMs);
const last = snapshot();
isSending = false;
const end = performance.now() + drainMs;
while (accepted < sent && performance.now() < end) await Bun.sleep(10);
stopAcks();

const seconds = (last.at - first.at) / 1_000;
answer({
  acceptedPerSecond: (last.accepted - first.accepted) / seconds,
  sent,
  accepted,
  serverCpu: (last.server - first.server) / seconds,
} satisfies RandomPairsAnswer);
for (const client of clients) client.close();
process.exit(0);
