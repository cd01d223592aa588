/**
 * The standalone server as it is, and beside it a watch on its event loop: each long turn is told
 * as `{"turnMs":…}` on the standard error. Only time that the process worked counts, so that a machine
 * with other work to do is not held against it.
 */
const everyMs = 5;
const toldMsMin = 20;

let before = performance.now();
let used = process.cpuUsage();

setInterval(() => {
  const now = performance.now();
  const { user, system } = process.cpuUsage(used);
  const turnMs = Math.min(now - before - everyMs, (user + system) / 1_000);
  if (turnMs > toldMsMin) process.stderr.write(`${JSON.stringify({ turnMs: Math.round(turnMs) })}\n`);
  before = now;
  used = process.cpuUsage();
}, everyMs);

await import("../../../src/server.ts");

export {};
