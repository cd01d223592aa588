/**
 * Preloaded by `start`: lets a SIGTERM that was sent to `npx … run start` alone reach the server.
 *
 * npx passes the signal to the `sh` that it started, and that one dies without passing it on: npx → sh → `bun run` → server.
 * This process can only see that `bun run` then gets another parent. Without npx in the chain there is nothing to do,
 * because `bun run` passes signals on; and a server that outlives the shell it was started from is then no accident.
 */
import { readFileSync } from "node:fs";

const checkEveryMs = 500;

function parentOf(pid: number): number | null {
  try {
    // "pid (name) state parent …", and the name may hold anything.
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return Number(
      stat
        .slice(stat.lastIndexOf(")") + 1)
        .trim()
        .split(" ")[1],
    );
  } catch {
    if (process.platform === "linux") return null;
    const ps = Bun.spawnSync(["ps", "-o", "ppid=", "-p", String(pid)]);
    return ps.success ? Number(ps.stdout.toString()) : null;
  }
}

const runner = process.ppid;
const shell = parentOf(runner);
if (process.env["npm_node_execpath"] !== undefined && shell !== null && shell > 1) {
  const timer = setInterval(() => {
    if (process.ppid === runner && parentOf(runner) === shell) return;
    clearInterval(timer);
    process.kill(process.pid, "SIGTERM");
  }, checkEveryMs);
  timer.unref();
}
