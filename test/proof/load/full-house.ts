import { cpuSeconds } from "../../../scripts/bench/process-usage.ts";
import { LeanSocket } from "../../support/lean-socket.ts";
import { startCrowd } from "./crowd.ts";
import type { Pace } from "./pace.ts";
import { floorMs, handsOn } from "./slow-neighbours.ts";
import { none, type Outcome, type StartTried } from "./scenario.ts";

export type FullHouse = {
  readonly start: StartTried;
  /** The server's `ulimit -n`. */
  readonly openFiles: number;
  /** How many try to connect: more than there is room for. */
  readonly wanted: number;
  readonly pace: Pace;
  /** How long to wait for the answer to a handshake or a request. */
  readonly patienceMs: number;
};

/** Connected members may wait this many times as long as before the server was full. Very short waits count as `floorMs` (slow-neighbours.ts). */
const timesMax = 4;
/** At rest the server may use this much of a core: it would use a whole one if it spun over connections that it cannot accept. */
const idleCoresMax = 0.3;
const idleMs = 1_000;

/** R7: more connections than the process can hold: the surplus is refused with an answer, and the connected ones continue. */
export async function tryFullHouse({ start, openFiles, wanted, pace, patienceMs }: FullHouse): Promise<Outcome> {
  const server = await start({ openFiles, env: { LOG_LEVEL: "info" } });
  const violations: string[] = [];
  const bare: LeanSocket[] = [];
  try {
    await using inside = await startCrowd();
    const [{ port }, handshakeMs, early] = [server, patienceMs, 2 * pace.pairs];
    const first = await inside.call("open", { port, prefix: "early", users: early, handshakeMs });
    if (Object.keys(first).length > 0) violations.push(`of the first were refused: ${JSON.stringify(first)}`);
    const before = await inside.call("pace", pace);
    const answers = await inside.call("open", { port, prefix: "guest", users: wanted - early, handshakeMs });
    const { open, closes } = await inside.call("counts", none);
    const refused = answers["429"] ?? 0;
    for (const [status, count] of Object.entries(answers))
      if (status !== "429") violations.push(`${count} were answered ${status} in place of 429`);
    if (refused === 0) violations.push(`none of ${wanted} was refused with ${openFiles} open files`);
    const cpu = cpuSeconds(server.pid);
    await Bun.sleep(idleMs);
    const idleCores = (cpuSeconds(server.pid) - cpu) / (idleMs / 1_000);
    if (idleCores > idleCoresMax) violations.push(`the full server uses ${idleCores.toFixed(2)} of a core at rest`);
    const calm = await inside.call("pace", pace);
    const health = await statusOf(`http://127.0.0.1:${server.port}/healthz`, patienceMs);
    if (health !== 200) violations.push(`/healthz answers ${health}`);
    // Then connections without a request: they can fill the remaining room, until the runtime's own timeout.
    const path = "/ws?user=mute";
    for (let i = 0; i < openFiles; i++) bare.push(new LeanSocket({ port: server.port, path, isMute: true }));
    const crowded = await inside.call("pace", pace);
    const usual = Math.max(before.accepted.p99, before.received.p99);
    for (const [when, { accepted, received, missing, lateMs }] of Object.entries({ calm, crowded })) {
      const allowed = timesMax * Math.max(usual, floorMs) + handsOn * lateMs;
      if (missing > 0) violations.push(`${missing} answers or messages are missing, ${when}`);
      const p99 = Math.max(accepted.p99, received.p99);
      if (p99 > allowed)
        violations.push(`p99 inside is ${p99.toFixed(0)} ms, ${when}; it was ${usual.toFixed(0)} ms before`);
    }
    const { open: stayed } = await inside.call("counts", none);
    if (stayed !== open) violations.push(`${open - stayed} inside were closed: ${JSON.stringify(closes)}`);
    return {
      violations,
      figures: { open, refused, idleCores, calmP99Ms: calm.received.p99, crowdedP99Ms: crowded.received.p99 },
    };
  } finally {
    for (const socket of bare) socket.end();
    await server.dispose();
  }
}

/** The status of the answer; 0 where none came in time. */
async function statusOf(url: string, patienceMs: number): Promise<number> {
  try {
    return (await fetch(url, { signal: AbortSignal.timeout(patienceMs) })).status;
  } catch {
    return 0;
  }
}
