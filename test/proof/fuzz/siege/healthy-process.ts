/**
 * Two users who chat while others attack, in a process of their own: `bun healthy-process.ts URL` runs until its standard
 * input ends, then prints its observations as one line of JSON, a `Health`.
 */
import { type Client, hasText, isPong, join } from "../../../support/client.ts";

export type Health = {
  readonly rounds: number;
  /** The longest time until a ping frame was answered. */
  readonly pongMsMax: number;
  /** The longest stall of this process itself: noise that is not the server's. */
  readonly noiseMsMax: number;
  readonly faults: readonly string[];
};

const noiseEveryMs = 5;

async function main(url: string): Promise<void> {
  let isOver = false;
  process.stdin.on("end", () => (isOver = true)).resume();
  let noiseMsMax = 0;
  let before = performance.now();
  const watch = setInterval(() => {
    noiseMsMax = Math.max(noiseMsMax, performance.now() - before - noiseEveryMs);
    before = performance.now();
  }, noiseEveryMs);

  let rounds = 0;
  let pongMsMax = 0;
  let faults: readonly string[] = [];
  try {
    const [one, other] = await Promise.all([join(url, { user: "healthy1" }), join(url, { user: "healthy2" })]);
    console.log("ready");
    while (!isOver) {
      const [from, to] = rounds % 2 === 0 ? [one, other] : [other, one];
      pongMsMax = Math.max(pongMsMax, await talk(from, to, `round ${rounds}`));
      rounds++;
      await Bun.sleep(4);
    }
    faults = [...one.faults, ...other.faults];
  } catch (error) {
    faults = [String(error)];
  }
  clearInterval(watch);
  console.log(JSON.stringify({ rounds, pongMsMax, noiseMsMax, faults } satisfies Health));
  process.exit(0);
}

/** A message from one to the other, acked there, and a ping; returns how long the pong took. */
async function talk(from: Client, to: Client, text: string): Promise<number> {
  await from.sendOk({ to: to.user }, text);
  await to.next(hasText(text));
  to.ack();
  const begun = performance.now();
  from.ping(text);
  await from.next(isPong);
  const took = performance.now() - begun;
  from.skip();
  to.skip();
  return took;
}

await main(process.argv[2] ?? "");
