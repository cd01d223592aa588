import { quantile } from "../../../scripts/bench/statistics.ts";
import type { Member } from "./member.ts";

export type Pace = { readonly pairs: number; readonly perSecond: number; readonly ms: number };
export type Latencies = { readonly p50: number; readonly p99: number; readonly count: number };
export type Paced = {
  readonly accepted: Latencies;
  readonly received: Latencies;
  /** Sends that were not answered or not received within the time of grace. */
  readonly missing: number;
  /** The largest delay of a timer of this process: a delay of the machine, not of the server. */
  readonly lateMs: number;
};

const graceMs = 10_000;
const text = "x".repeat(64);

/**
 * Pairs of members talk at a fixed rate, whatever the server does, and a send counts from when it was due: a server that
 * stalls cannot hide it by receiving fewer requests.
 */
export async function runPace(members: readonly Member[], { pairs, perSecond, ms }: Pace): Promise<Paced> {
  const accepted: number[] = [];
  const received: number[] = [];
  const lanes = Array.from({ length: pairs }, (_, i) => {
    const [sender, receiver] = [members[2 * i], members[2 * i + 1]];
    if (sender === undefined || receiver === undefined) throw new Error(`${members.length} are too few for pairs`);
    const due = { accepted: [] as number[], received: [] as number[] };
    const take = (queue: number[], samples: number[], count: number): void => {
      const now = performance.now();
      for (const at of queue.splice(0, count)) samples.push(now - at);
    };
    sender.onAccepted = () => take(due.accepted, accepted, 1);
    receiver.onMessages = (messages) => take(due.received, received, messages.length);
    return { sender, to: receiver.user, due };
  });
  let lateMs = 0;
  async function rest(ms: number): Promise<void> {
    const begun = performance.now();
    await Bun.sleep(ms);
    lateMs = Math.max(lateMs, performance.now() - begun - ms);
  }
  const start = performance.now();
  const count = Math.floor((perSecond * ms) / 1_000);
  const dueAt = (i: number): number => start + (i * 1_000) / perSecond;
  for (let next = 0; next < count;) {
    for (; next < count && dueAt(next) <= performance.now(); next++) {
      const lane = lanes[next % lanes.length];
      lane?.due.accepted.push(dueAt(next));
      lane?.due.received.push(dueAt(next));
      lane?.sender.send(lane.to, text);
    }
    await rest(1);
  }
  const end = performance.now() + graceMs;
  const isDone = (): boolean => accepted.length >= count && received.length >= count;
  while (!isDone() && performance.now() < end) await rest(5);
  for (const { sender } of lanes) sender.onAccepted = () => {};
  return {
    accepted: latencies(accepted),
    received: latencies(received),
    missing: 2 * count - accepted.length - received.length,
    lateMs,
  };
}

function latencies(samples: readonly number[]): Latencies {
  const sorted = samples.toSorted((a, b) => a - b);
  return { p50: quantile(sorted, 0.5), p99: quantile(sorted, 0.99), count: sorted.length };
}
