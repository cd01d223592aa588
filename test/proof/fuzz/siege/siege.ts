import { readdirSync } from "node:fs";
import { join as joinPath } from "node:path";
import { join } from "../../../support/client.ts";
import { until } from "../../../support/fake-socket.ts";
import { lineReader } from "../../../support/lines.ts";
import { type RunningServer, startServer } from "../../../support/server.ts";
import { startTaker } from "../hostile-push.ts";
import type { Findings } from "../target.ts";
import { assail } from "./assail.ts";
import type { Health } from "./healthy-process.ts";
import { deadline } from "../../../support/deadline.ts";

/** No byte sequence may hold the event loop longer (INVARIANTS R1). */
const turnMsMax = 50;
/** A ping frame may wait for this turn and the next one, and for the machine's stalls on either side. */
const pongMsMax = 2 * turnMsMax;
/** The largest growth of the server after it has warmed up, under any input. */
const growthBytesMax = 96 * 1024 * 1024;
/** After the last attack every socket must be closed within this time: a closing handshake has 3 s. */
const closeMsMax = deadline.answerMs;

export type Siege = {
  /** Attacks of one seed; returns the numbers of tries. Never throws: faults are reported at the end. */
  assail(seed: number, attacks: number): Promise<number>;
  /** Whether the server has exited: nothing more can be tried. */
  isOver(): boolean;
  /** The server has warmed up: from here on its growth and its long turns count. */
  warm(): void;
  /** Ends everything and judges. */
  end(): Promise<Findings & { readonly facts: Readonly<Record<string, number>> }>;
};

const watchedScript = joinPath(import.meta.dir, "watched-server.ts");

/** A server in a process of its own with two healthy users, ready to be attacked. */
export async function startSiege(
  options: { readonly script?: string; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<Siege> {
  const { script = watchedScript, env = {} } = options;
  const taker = await startTaker();
  const server = await startServer({ script, env: { ...taker.env, ...env } });
  const healthy = await startHealthy(server.url);
  // The runtime keeps open what it opens for its first own request.
  const early = await join(server.url, { user: "early", device: "early" });
  await early.sendOk({ to: "away" }, "hello?");
  await until(() => taker.asked() > 0, "the first notification");
  await early.close();
  const socketsBefore = openFiles(server);
  const violations: string[] = [];
  const facts: Record<string, number> = {};
  let isGone = false;
  let cases = 0;
  let warmBytes = server.residentBytes();
  let warmOutput = server.output().length;
  void server.exited.then(() => (isGone = true));

  const add = (name: string, count: number): void => void (facts[name] = (facts[name] ?? 0) + count);

  return {
    isOver: () => isGone,
    warm(): void {
      if (isGone) return;
      warmBytes = server.residentBytes();
      warmOutput = server.output().length;
    },
    async assail(seed, attacks) {
      const tried = await assail({ port: server.port, seed, attacks, isOver: () => isGone });
      const sum = Object.values(tried).reduce((all, one) => all + one, 0);
      for (const [kind, count] of Object.entries(tried)) add(`${kind} over sockets`, count);
      if (isGone) violations.push(`number ${seed}: the server ended with ${await server.exited}`);
      cases += sum;
      return sum;
    },
    async end() {
      const health = await healthy.end();
      for (const fault of health.faults) violations.push(`a healthy client: ${fault}`);
      if (health.rounds === 0) violations.push("the healthy clients sent nothing");
      const { errors } = readOutput(server.output());
      const { turnMs, stallMs } = readOutput(server.output().slice(warmOutput));
      if (turnMs > turnMsMax) violations.push(`a turn of the event loop took ${turnMs} ms`);
      for (const error of errors.slice(0, 3)) violations.push(`the server logged ${error}`);
      const pongBudget = pongMsMax + 2 * (health.noiseMsMax + stallMs);
      if (health.pongMsMax > pongBudget)
        violations.push(`a pong took ${Math.round(health.pongMsMax)} ms of ${Math.round(pongBudget)} ms`);
      // Its own sockets need not be closed.
      await taker.stop();
      if (!isGone) violations.push(...(await aftermath(server, { socketsBefore, warmBytes })));
      await server.dispose();
      add("healthy rounds", health.rounds);
      return { cases, violations, facts };
    },
  };
}

/** Checks a server after the attacks: it serves newcomers, and has forgotten all others. */
async function aftermath(
  server: RunningServer,
  { socketsBefore, warmBytes }: { socketsBefore: number; warmBytes: number },
): Promise<readonly string[]> {
  const violations: string[] = [];
  try {
    const fresh = await join(server.url, { user: "fresh", device: crypto.randomUUID() });
    await fresh.sendOk({ to: "healthy1" }, "still there?");
    await fresh.close();
    fresh.check();
  } catch (error) {
    violations.push(`a newcomer: ${String(error)}`);
  }
  // The two healthy users have left as well.
  for (const end = Date.now() + closeMsMax; openFiles(server) > socketsBefore - 2 && Date.now() < end;)
    await Bun.sleep(20);
  const left = openFiles(server) - (socketsBefore - 2);
  if (left > 0) violations.push(`${left} sockets stayed open`);
  const grown = server.residentBytes() - warmBytes;
  if (grown > growthBytesMax) violations.push(`the server grew by ${Math.round(grown / 1_048_576)} MiB`);
  return violations;
}

async function startHealthy(url: string): Promise<{ end(): Promise<Health> }> {
  const child = Bun.spawn([process.execPath, joinPath(import.meta.dir, "healthy-process.ts"), url], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
  });
  const nextLine = lineReader(child.stdout);
  const first = await nextLine();
  return {
    async end() {
      await child.stdin.end();
      const health = JSON.parse(first === "ready" ? await nextLine() : first) as Health;
      await child.exited;
      return health;
    },
  };
}

const openFiles = ({ pid }: RunningServer): number => readdirSync(`/proc/${pid}/fd`).length;

/** Reads the server's reports: its longest turn and stall, and each error that one of its guards had to catch. */
function readOutput(output: string) {
  let [turnMs, stallMs] = [0, 0];
  const errors: string[] = [];
  for (const line of output.split("\n")) {
    const report = /^\{"turnMs":(\d+),"stallMs":(\d+)\}$/.exec(line);
    turnMs = Math.max(turnMs, Number(report?.[1] ?? 0));
    stallMs = Math.max(stallMs, Number(report?.[2] ?? 0));
    if (/"level":"(error|fatal)"/.test(line)) errors.push(line.slice(0, 500));
  }
  return { turnMs, stallMs, errors };
}
