/**
 * Loaded before a server: measures the longest stop of its event loop. On SIGUSR2 it writes it to STALL_FILE, in milliseconds, and
 * begins anew.
 */
import { writeFileSync } from "node:fs";
import { monitorEventLoopDelay } from "node:perf_hooks";

const stalls = monitorEventLoopDelay({ resolution: 1 });
stalls.enable();
process.on("SIGUSR2", () => {
  writeFileSync(process.env["STALL_FILE"] ?? "", String(stalls.max / 1e6));
  stalls.reset();
});
