import { join as joinPath } from "node:path";
import { expect, test } from "bun:test";
import { plant } from "../plants/index.ts";
import { startAltered } from "../support/alteration.ts";
import { endClients, join } from "../support/client.ts";
import type { RunningServer } from "../support/server.ts";

const floodMs = 1_500;
/** Without the turns they wait at least this many times as long. A busy machine makes both slower. */
const timesMin = 3;

/**
 * Alice is connected and pings, while others keep connecting. The answer is the mean time of a pong, each weighted by its own length,
 * so that one long wait is not hidden by many short ones.
 */
async function pongMs({ port, url }: RunningServer): Promise<number> {
  const alice = await join(url, { user: "alice" });
  const command = [process.execPath, joinPath(import.meta.dir, "flood-process.ts"), String(port), String(floodMs)];
  const flood = Bun.spawn(command, { stdio: ["ignore", "ignore", "inherit"] });
  const pongsMs: number[] = [];
  let isOver = false;
  void flood.exited.then(() => (isOver = true));
  while (!isOver) {
    const begun = performance.now();
    await alice.settle();
    pongsMs.push(performance.now() - begun);
    await Bun.sleep(5);
  }
  expect(flood.exitCode).toBe(0);
  endClients();
  const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0);
  return sum(pongsMs.map((ms) => ms * ms)) / sum(pongsMs);
}

/** With the adapter as it is, or with one that answers every newcomer at once. */
async function pongMsWith(turn: "as it is" | "at once"): Promise<number> {
  const alterations = turn === "as it is" ? [] : plant("newcomers are answered at once");
  const server = await startAltered({ alterations });
  try {
    return await pongMs(server);
  } finally {
    await server.dispose();
  }
}

// Bun accepts connections, and answers their first requests, while new ones come.
test("R1 clients that keep connecting do not delay connected ones, as they would without the adapter's turns", async () => {
  const found = { asItIs: await pongMsWith("as it is"), atOnce: await pongMsWith("at once") };
  if (process.env["FLOOD_SAY"]) console.log(found);
  expect(found.atOnce / found.asItIs).toBeGreaterThan(timesMin);
});
