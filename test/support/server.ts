import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { serverScript } from "./bundled-server.ts";
import { deadline } from "./deadline.ts";
import { freePort } from "./port.ts";

export type StartOptions = {
  /** Variables of the server beside PORT. */
  readonly env?: Readonly<Record<string, string>>;
  /** Where it runs and keeps its database; default: a new temporary folder, which `dispose` removes. */
  readonly dir?: string;
  /** Default: a free one, which stays free for the next server when this one is gone. */
  readonly port?: number;
  /** The program, an absolute path; default: the standalone server. */
  readonly script?: string;
  /** What runs the program; default: this Bun. */
  readonly runtime?: readonly string[];
  /** The path under which that program mounts the chat. */
  readonly base?: string;
  /** Its limit of open files (`ulimit -n`); default: that of this process. */
  readonly openFiles?: number;
};

/** A real server in a process of its own. */
export type RunningServer = {
  readonly port: number;
  /** `ws://127.0.0.1:PORT` and the base. */
  readonly url: string;
  /** The path under which the chat is mounted; empty: the root. */
  readonly base: string;
  readonly pid: number;
  readonly dir: string;
  /** Sends the signal and waits for the end; returns the exit code (null: ended by the signal itself). */
  stop(signal?: "SIGTERM" | "SIGINT"): Promise<number | null>;
  /** Ends it as a power cut would, and waits until it is gone. */
  kill9(): Promise<void>;
  /** Sends a signal and does not wait. */
  signal(signal: "SIGTERM" | "SIGSTOP" | "SIGCONT"): void;
  /** Resolves with the exit code once the process is gone. */
  readonly exited: Promise<number | null>;
  /** Its output so far, both streams together. */
  output(): string;
  /** Memory of the process that is in RAM, in bytes. */
  residentBytes(): number;
  /** Memory without a file, in RAM or swapped out, in bytes: a leak grows it, and mapped files do not. */
  anonymousBytes(): number;
  /** Kills it if it still runs, and removes the folder if it was made here. */
  dispose(): Promise<void>;
};

export type Start = (options?: StartOptions) => Promise<RunningServer>;

const lastWordsMs = 1_000;

/** Starts the server and waits for its log line "serving", which contains the port. */
export async function startServer(options: StartOptions = {}): Promise<RunningServer> {
  const {
    env = {},
    port = freePort(),
    script = await serverScript(),
    runtime = [process.execPath],
    base = "",
  } = options;
  const dir = options.dir ?? temporaryFolder();
  const limit = options.openFiles;
  const shell = limit === undefined ? [] : ["sh", "-c", `ulimit -n ${limit} && exec "$@"`, "sh"];
  const child = Bun.spawn([...shell, ...runtime, script], {
    cwd: dir,
    // None of the developer's own settings: a test must mean the same everywhere.
    env: { PATH: process.env["PATH"] ?? "", HOME: dir, TMPDIR: tmpdir(), ...env, PORT: String(port) },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  let output = "";
  const listening = Promise.withResolvers<number>();
  const collect = async (stream: ReadableStream<Uint8Array>): Promise<void> => {
    const decoder = new TextDecoder();
    for await (const bytes of stream) {
      output += decoder.decode(bytes, { stream: true });
      const found = portIn(output);
      if (found !== null) listening.resolve(found);
    }
  };
  const collected = Promise.all([collect(child.stdout), collect(child.stderr)]);
  const exited = child.exited.then(() => child.exitCode);
  // Its last words may come after its end; a child of its own may hold the streams open.
  const silent = exited.then(() => Promise.race([collected, Bun.sleep(lastWordsMs)]));
  void silent.then(() => listening.reject(new Error(`The server ended before it served:\n${output}`)));
  const timer = setTimeout(() => {
    child.kill("SIGKILL");
    listening.reject(new Error(`The server did not serve within ${deadline.processMs} ms:\n${output}`));
  }, deadline.processMs);

  const server = {
    base,
    pid: child.pid,
    dir,
    exited,
    signal: (signal: "SIGTERM" | "SIGSTOP" | "SIGCONT"): void => child.kill(signal),
    output: (): string => output,
    residentBytes: (): number => {
      const status = readFileSync(`/proc/${child.pid}/status`, "utf8");
      return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? Number.NaN) * 1024;
    },
    anonymousBytes: (): number => {
      const rollup = readFileSync(`/proc/${child.pid}/smaps_rollup`, "utf8");
      const kibibytes = (name: string): number =>
        Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(rollup)?.[1] ?? Number.NaN);
      return (kibibytes("Anonymous") + kibibytes("Swap")) * 1024;
    },
    async stop(signal: "SIGTERM" | "SIGINT" = "SIGTERM"): Promise<number | null> {
      child.kill(signal);
      return await exited;
    },
    async kill9(): Promise<void> {
      child.kill("SIGKILL");
      await child.exited;
    },
    async dispose(): Promise<void> {
      if (child.exitCode === null && child.signalCode === null) await server.kill9();
      if (options.dir === undefined) rmSync(dir, { recursive: true, force: true });
    },
  };
  try {
    const found = await listening.promise;
    return { ...server, port: found, url: `ws://127.0.0.1:${found}${base}` };
  } catch (error) {
    await server.dispose();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/** Starts planted-server.ts of a folder with the bug that PLANT names, in place of the standalone server. */
export const plantedStart =
  (folder: string) =>
  (plant: string): Start =>
  (options = {}) =>
    startServer({ ...options, script: join(folder, "planted-server.ts"), env: { ...options.env, PLANT: plant } });

/** A new empty folder under the system's own for temporary files. */
export const temporaryFolder = (): string => mkdtempSync(join(tmpdir(), "tidings-server-"));

function portIn(output: string): number | null {
  for (const line of output.split("\n")) {
    if (!line.includes('"serving"')) continue;
    try {
      const event: unknown = JSON.parse(line);
      if (typeof event !== "object" || event === null || !("message" in event) || !("port" in event)) continue;
      if (event.message === "serving" && typeof event.port === "number") return event.port;
    } catch {
      // The line is not whole yet.
    }
  }
  return null;
}
