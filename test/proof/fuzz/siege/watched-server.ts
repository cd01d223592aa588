/**
 * The standalone server as it is, and beside it a watch on its event loop: each long turn is told as
 * `{"turnMs":…,"stallMs":…}` on the standard error. `turnMs` counts only time that its thread worked, so that a machine with
 * other work to do is not held against it; `stallMs` is the rest of the turn.
 */
const everyMs = 5;
const toldMsMin = 20;

let before = performance.now();
let used = process.threadCpuUsage();

setInterval(() => {
  const now = performance.now();
  const { user, system } = process.threadCpuUsage(used);
  const gapMs = now - before - everyMs;
  const turnMs = Math.min(gapMs, (user + system) / 1_000);
  if (gapMs > toldMsMin) {
    const told = { turnMs: Math.round(turnMs), stallMs: Math.round(gapMs - turnMs) };
    process.stderr.write(`${JSON.stringify(told)}\n`);
  }
  before = now;
  used = process.threadCpuUsage();
}, everyMs);

await import("../../../../src/server.ts");

export {};
