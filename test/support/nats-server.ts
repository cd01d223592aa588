import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { programPath } from "./prerequisite.ts";
import { isServing } from "./health.ts";
import { freePort } from "./port.ts";

/** A real NATS server on 127.0.0.1, for as long as a test needs it. */
export type NatsServer = {
  readonly port: number;
  readonly url: string;
  /** The running process. */
  pid(): number;
  /** Its log so far. */
  log(): string;
  /** The answer of its monitoring, such as at `/connz`. */
  ask(path: string): Promise<Record<string, unknown>>;
  /** Sends the server itself a signal, and waits for its end if the signal ends it. */
  signal(signal: "SIGCONT" | "SIGHUP" | "SIGKILL" | "SIGSTOP" | "SIGTERM"): Promise<void>;
  /** Starts it again, on the same port, once it has ended. */
  restart(): Promise<void>;
  /** Replaces its configuration, except the port; it is read at a restart, or at a SIGHUP. */
  configure(text: string): void;
  /** Ends it, and removes its files. */
  stop(): Promise<void>;
};

/** Starts `nats-server`, on a free port or on this one, and waits until it answers. For use inside `describeWith("nats-server", …)`. */
export async function startNats(configuration = "", wantedPort?: number): Promise<NatsServer> {
  const folder = mkdtempSync(join(tmpdir(), "tidings-nats-"));
  const log = join(folder, "log");
  const file = join(folder, "nats.conf");
  // Another process may take a free port between finding and using it.
  for (let attempt = 0; attempt < 3; attempt++) {
    const [port, monitorPort] = [wantedPort ?? freePort(), freePort()];
    const configure = (text: string): void =>
      writeFileSync(file, `listen: "127.0.0.1:${port}"\nhttp: "127.0.0.1:${monitorPort}"\n${text}\n`);
    configure(configuration);
    const spawn = () =>
      Bun.spawn([programPath("nats-server"), "-c", file, "-l", log], {
        cwd: folder,
        stdio: ["ignore", "ignore", "ignore"],
      });
    let server = spawn();
    const isUp = () => isServing(`http://127.0.0.1:${monitorPort}/healthz`, () => server);
    const end = async (): Promise<void> => {
      server.kill("SIGKILL");
      await server.exited;
    };
    if (!(await isUp())) {
      await end();
      continue;
    }
    return {
      port,
      url: `nats://127.0.0.1:${port}`,
      pid: () => server.pid,
      log: () => readFileSync(log, "utf8"),
      ask: async (path) =>
        (await (await fetch(`http://127.0.0.1:${monitorPort}${path}`)).json()) as Record<string, unknown>,
      async signal(signal) {
        server.kill(signal);
        if (signal === "SIGKILL" || signal === "SIGTERM") await server.exited;
      },
      async restart() {
        server = spawn();
        if (!(await isUp()))
          throw new Error(`nats-server did not start again: ${readFileSync(log, "utf8").slice(-500)}`);
      },
      configure,
      async stop() {
        await end();
        rmSync(folder, { recursive: true, force: true });
      },
    };
  }
  rmSync(folder, { recursive: true, force: true });
  throw new Error("nats-server did not start");
}
