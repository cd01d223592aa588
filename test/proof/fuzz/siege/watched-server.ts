/**
 * The unchanged standalone server, and a watch on its event loop: each long turn is reported as
 * `{"turnMs":…,"stallMs":…}` on the standard error. `turnMs` counts only time in which its thread worked, so that other work on the
 * machine does not count; `stallMs` is the rest of the turn.
 */
const everyMs = 5;
const reportedMsMin = 20;

let before = performance.now();
let used = process.threadCpuUsage();

setInterval(() => {
  const now = performance.now();
  const { user, system } = process.threadCpuUsage(used);
  const gapMs = now - before - everyMs;
  const turnMs = Math.min(gapMs, (user + system) / 1_000);
  if (gapMs > reportedMsMin) {
    const report = { turnMs: Math.round(turnMs), stallMs: Math.round(gapMs - turnMs) };
    process.stderr.write(`${JSON.stringify(report)}\n`);
  }
  before = now;
  used = process.threadCpuUsage();
}, everyMs);

await import("../../../../src/server.ts");

export {};
