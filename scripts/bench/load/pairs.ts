/** The load generator: pairs of users, in a process of its own. Prints its measurements as JSON. */
import { answer, childInput } from "../child.ts";
import { cpuSeconds } from "../process-usage.ts";
import { quantile } from "../statistics.ts";
import { LoadClient, startAcks } from "./client.ts";

export type PairsInput = {
  /** The nodes' ports: each pair has its two users on two of them, where there are several. */
  readonly ports: readonly number[];
  /** The nodes' processes; their processor time is measured. */
  readonly pids: readonly number[];
  /** Other processes that work for them, measured one by one. */
  readonly besidePids: readonly number[];
  readonly pairs: number;
  /** Closed loop: sends that each sender keeps unanswered. */
  readonly window: number;
  /** Open loop in place of the window: sends a second of all pairs together, on a fixed schedule. */
  readonly rate?: number;
  readonly textBytes: number;
  /** All devices have a push address; `away`: every second receiver also has a device that never comes. */
  readonly registers?: "online" | "away";
  readonly warmUpMs: number;
  readonly measureMs: number;
};

export type Quantiles = { readonly p50: number; readonly p95: number; readonly p99: number; readonly count: number };

export type PairsAnswer = {
  readonly acceptedPerSecond: number;
  readonly receivedPerSecond: number;
  readonly sent: number;
  readonly accepted: number;
  readonly received: number;
  /** Milliseconds from when a send was due to when its answer, and its change at the receiver, came. */
  readonly acceptedMs: Quantiles;
  readonly receivedMs: Quantiles;
  /** Cores' worth of processor time, 1 = one core all the time. */
  readonly serverCpu: number;
  readonly loadCpu: number;
  /** The same of each of `besidePids`. */
  readonly besideCpu: readonly number[];
};

const drainMs = 20_000;
const samplesMax = 4_000_000;

const input = childInput<PairsInput>();
const portOf = (i: number): number => input.ports[i % input.ports.length] ?? 0;
const text = "x".repeat(input.textBytes);
/** New users: the unacked messages of an earlier run on this server must not come to this one. */
const crowd = Bun.randomUUIDv7().slice(-8);

/** One sender and one receiver. Sends are answered and received in their order, so times wait in a queue. */
class Pair {
  sent = 0;
  accepted = 0;
  received = 0;
  readonly sender: LoadClient;
  readonly receiver: LoadClient;
  private readonly to: string;
  private due: number[] = [];
  private base = 0;

  constructor(i: number) {
    this.to = `receiver-${crowd}-${i}`;
    this.sender = new LoadClient(
      { port: portOf(i), user: `sender-${crowd}-${i}` },
      {
        onAccepted: () => {
          const now = performance.now();
          if (isMeasuring) acceptedSamples.push(now - (this.due[this.accepted - this.base] ?? now));
          this.accepted++;
          if (isSending && input.rate === undefined) this.send(now);
        },
      },
    );
    this.receiver = new LoadClient(
      { port: portOf(i + 1), user: this.to },
      {
        onMessages: (count) => {
          const now = performance.now();
          for (let k = 0; k < count; k++) {
            if (isMeasuring) receivedSamples.push(now - (this.due[this.received - this.base] ?? now));
            this.received++;
          }
          this.forget();
        },
      },
    );
  }

  /** `due`: when it should have been sent; a late sender does not hide its lateness. */
  send(due: number): void {
    this.due.push(due);
    this.sent++;
    this.sender.send(this.to, text);
  }

  private forget(): void {
    const done = Math.min(this.accepted, this.received) - this.base;
    if (done < 4_096) return;
    this.due = this.due.slice(done);
    this.base += done;
  }
}

let isSending = true;
let isMeasuring = false;
const acceptedSamples: number[] = [];
const receivedSamples: number[] = [];

const pairs = Array.from({ length: input.pairs }, (_, i) => new Pair(i));
const clients = pairs.flatMap(({ sender, receiver }) => [sender, receiver]);
if (input.registers !== undefined) await register(input.registers);
await Promise.all(clients.map(({ caughtUp }) => caughtUp));
const stopAcks = startAcks(clients);

const total = (of: (pair: Pair) => number): number => pairs.reduce((sum, pair) => sum + of(pair), 0);
const snapshot = () => ({
  at: performance.now(),
  accepted: total((pair) => pair.accepted),
  received: total((pair) => pair.received),
  server: input.pids.reduce((sum, pid) => sum + cpuSeconds(pid), 0),
  load: cpuSeconds(process.pid),
  beside: input.besidePids.map(cpuSeconds),
});

const stopSends = input.rate === undefined ? startWindow() : startSchedule(input.rate);
await Bun.sleep(input.warmUpMs);
const first = snapshot();
isMeasuring = true;
await Bun.sleep(input.measureMs);
isMeasuring = false;
const last = snapshot();
isSending = false;
stopSends();

const sent = total((pair) => pair.sent);
const end = performance.now() + drainMs;
const isAllThere = (): boolean => total((pair) => pair.accepted) === sent && total((pair) => pair.received) === sent;
while (!isAllThere() && performance.now() < end) await Bun.sleep(10);
stopAcks();

const seconds = (last.at - first.at) / 1_000;
answer({
  acceptedPerSecond: (last.accepted - first.accepted) / seconds,
  receivedPerSecond: (last.received - first.received) / seconds,
  sent,
  accepted: total((pair) => pair.accepted),
  received: total((pair) => pair.received),
  acceptedMs: quantiles(acceptedSamples),
  receivedMs: quantiles(receivedSamples),
  serverCpu: (last.server - first.server) / seconds,
  loadCpu: (last.load - first.load) / seconds,
  besideCpu: last.beside.map((after, i) => (after - (first.beside[i] ?? after)) / seconds),
} satisfies PairsAnswer);
for (const client of clients) client.close();
process.exit(0);

async function register(who: "online" | "away"): Promise<void> {
  const put = async (user: string, device: string): Promise<void> => {
    const response = await fetch(`http://127.0.0.1:${portOf(0)}/devices/${device}?user=${user}`, {
      method: "PUT",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ push: { provider: "at-once", token: `${user} ${device}` } }),
    });
    if (response.status !== 204) throw new Error(`PUT /devices is answered ${response.status}`);
  };
  for (let i = 0; i < input.pairs; i++) {
    await Promise.all([put(`sender-${crowd}-${i}`, "d1"), put(`receiver-${crowd}-${i}`, "d1")]);
    if (who === "away" && i % 2 === 0) await put(`receiver-${crowd}-${i}`, "d2");
  }
}

function startWindow(): () => void {
  for (const pair of pairs) for (let i = 0; i < input.window; i++) pair.send(performance.now());
  return () => {};
}

/** Sends are due at even distances, one pair after the other, whatever the server does. */
function startSchedule(rate: number): () => void {
  const start = performance.now();
  let next = 0;
  const timer = setInterval(() => {
    const now = performance.now();
    for (; start + (next * 1_000) / rate <= now; next++)
      pairs[next % pairs.length]?.send(start + (next * 1_000) / rate);
  }, 1);
  return () => clearInterval(timer);
}

function quantiles(samples: readonly number[]): Quantiles {
  const sorted = Float64Array.from(samples.slice(0, samplesMax)).sort();
  return { p50: quantile(sorted, 0.5), p95: quantile(sorted, 0.95), p99: quantile(sorted, 0.99), count: sorted.length };
}
