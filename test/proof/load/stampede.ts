import { rmSync } from "node:fs";
import { cpuSeconds } from "../../../scripts/bench/process-usage.ts";
import { quantile } from "../../../scripts/bench/statistics.ts";
import { temporaryFolder } from "../../support/server.ts";
import { startCrowd } from "./crowd.ts";
import { none, type Outcome, type StartTried } from "./scenario.ts";

export type Stampede = {
  readonly start: StartTried;
  readonly connections: number;
  readonly how: "kill -9" | "SIGTERM";
  /** Messages that each has missed. */
  readonly messages: number;
  /** The longest time until all are back with all missed messages. */
  readonly resumedMsMax: number;
};

/** R6: the server dies, and once it is back all its clients connect at one instant, each with its cursor. */
export async function tryStampede(options: Stampede): Promise<Outcome> {
  const { start, connections, how, messages, resumedMsMax } = options;
  const dir = temporaryFolder();
  const violations: string[] = [];
  let server = await start({ dir });
  const { port } = server;
  try {
    await using crowd = await startCrowd();
    await crowd.call("open", { port, prefix: "guest", users: connections });
    await crowd.call("hold", none);
    await crowd.call("fill", { port, prefix: "guest", users: connections, each: messages, text: "" });
    if (how === "kill -9") await server.kill9();
    else await server.stop();
    server = await start({ dir, port });
    const cpu = cpuSeconds(server.pid);
    const { tookMs, refusals, faults } = await crowd.call("return", { ms: resumedMsMax, each: messages });
    violations.push(...faults.slice(0, 5));
    const lastMs = tookMs.at(-1) ?? Number.NaN;
    if (lastMs > resumedMsMax) violations.push(`the last was resumed after ${lastMs.toFixed(0)} ms`);
    const log = server.output().split("\n");
    const unwell = log.filter((line) => /"level":"(error|fatal)"/.test(line));
    if (unwell.length > 0) violations.push(`the server logged ${unwell[0]?.slice(0, 200)}`);
    const ready = await fetch(`http://127.0.0.1:${port}/readyz`);
    if (ready.status !== 200) violations.push(`/readyz answers ${ready.status}`);
    return {
      violations,
      figures: {
        medianMs: quantile(tookMs, 0.5),
        lastMs,
        refusals,
        serverCpuSeconds: cpuSeconds(server.pid) - cpu,
      },
    };
  } finally {
    await server.dispose();
    rmSync(dir, { recursive: true, force: true });
  }
}
