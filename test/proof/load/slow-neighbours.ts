import { cpuSeconds } from "../../../scripts/bench/process-usage.ts";
import { median } from "../../../scripts/bench/statistics.ts";
import { type Crowd, startCrowd } from "./crowd.ts";
import type { Hostility } from "./hostile.ts";
import type { Pace } from "./pace.ts";
import { none, type Outcome, type StartTried } from "./scenario.ts";

export type SlowNeighbours = {
  readonly start: StartTried;
  readonly connections: number;
  /** The share of them that turn hostile. */
  readonly share: number;
  readonly kinds: readonly Hostility[];
  readonly pace: Pace;
  /** Windows of measurement without and with them; the medians are compared. */
  readonly windows: number;
  readonly heartbeatMs: number;
};

/**
 * Twice the baseline is the rule. An idle server's baseline is one or two milliseconds on a machine where one turn of
 * the scheduler is as long, so a ratio alone would judge noise: this much more is allowed before it counts. It is the time
 * of two whole commits, one under way and one's own; no user notices it.
 */
export const floorMs = 60;

/** A message passes four steps: the sender, the server twice, and the receiver. A busy machine can delay each of them. */
export const handsOn = 4;

/** R2: the healthy members' latency, without and with hostile neighbours, in one run of one server. */
export async function trySlowNeighbours(options: SlowNeighbours): Promise<Outcome> {
  const { start, connections, share, kinds, pace, windows, heartbeatMs } = options;
  const server = await start({ env: { HEARTBEAT_MS: String(heartbeatMs), LOG_LEVEL: "info" } });
  const violations: string[] = [];
  try {
    await using healthy = await startCrowd();
    await using hostile = await startCrowd();
    const hostiles = Math.round(connections * share);
    const opened = [
      await healthy.call("open", { port: server.port, prefix: "healthy", users: connections - hostiles }),
      await hostile.call("open", { port: server.port, prefix: "hostile", users: hostiles }),
    ];
    for (const refused of opened)
      for (const [status, count] of Object.entries(refused)) violations.push(`${count} were refused with ${status}`);
    await healthy.call("pace", { ...pace, ms: pace.ms / 2 });
    const quiet = await measure(healthy, options);
    await hostile.call("misbehave", { kinds });
    // Their first burst does not count.
    await Bun.sleep(pace.ms);
    const cpu = cpuSeconds(server.pid);
    const loud = await measure(healthy, options);
    const cores = (cpuSeconds(server.pid) - cpu) / ((windows * pace.ms) / 1_000);
    const { closes, open } = await healthy.call("counts", none);
    const { closes: hostileCloses } = await hostile.call("counts", none);
    if (open !== connections - hostiles) violations.push(`of the healthy were closed: ${JSON.stringify(closes)}`);
    if (quiet.missing + loud.missing > 0)
      violations.push(`${quiet.missing + loud.missing} answers or messages missing`);
    for (const what of ["accepted", "received"] as const) {
      const allowed = Math.max(2 * quiet[what], quiet[what] + floorMs) + handsOn * loud.lateMs;
      if (loud[what] > allowed)
        violations.push(`p99 of ${what} went from ${quiet[what].toFixed(1)} to ${loud[what].toFixed(1)} ms`);
    }
    return {
      violations,
      figures: {
        quietAcceptedMs: quiet.accepted,
        loudAcceptedMs: loud.accepted,
        quietReceivedMs: quiet.received,
        loudReceivedMs: loud.received,
        lateMs: loud.lateMs,
        serverCores: cores,
        hostileCloses: Object.values(hostileCloses).reduce((sum, count) => sum + count, 0),
      },
    };
  } finally {
    await server.dispose();
  }
}

/** Medians of the windows' p99. */
async function measure(healthy: Crowd, { windows, pace }: SlowNeighbours) {
  const accepted: number[] = [];
  const received: number[] = [];
  const late: number[] = [];
  let missing = 0;
  // A lost answer is waited for in vain: once is enough.
  for (let i = 0; i < windows && missing === 0; i++) {
    const seen = await healthy.call("pace", pace);
    accepted.push(seen.accepted.p99);
    received.push(seen.received.p99);
    late.push(seen.lateMs);
    missing += seen.missing;
  }
  return { accepted: median(accepted), received: median(received), lateMs: median(late), missing };
}
