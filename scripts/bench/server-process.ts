import { join } from "node:path";
import type { Subprocess } from "bun";
import { scriptPath } from "./child.ts";

export type ServerProcess = { readonly pid: number; readonly port: number };

export type ServerOptions = {
  readonly folder: string;
  /** The database inside the folder. */
  readonly database?: string;
  readonly commitDelayMs?: number;
  /** Another entry file, relative to this folder; it prints its address as the real one does. */
  readonly entry?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Modules of this folder that are loaded before the entry file. */
  readonly preloads?: readonly string[];
  /** Words before the command, such as those of `taskset`. */
  readonly command?: readonly string[];
};

const startMs = 30_000;
const stopMs = 20_000;

/** Runs `use` against a server process of its own on a free port of 127.0.0.1. */
export async function withServer<T>(options: ServerOptions, use: (server: ServerProcess) => Promise<T>): Promise<T> {
  const { folder, database = "chat.db", commitDelayMs = 0 } = options;
  const { entry = "../../src/server.ts", preloads = [], command = [] } = options;
  const loaded = [...preloads, ...(commitDelayMs > 0 ? ["slow-commits.ts"] : [])];
  // For a profiler: more words between `bun` and the script, such as --cpu-prof.
  const flags = (process.env["BENCH_SERVER_FLAGS"] ?? "").split(" ").filter((flag) => flag !== "");
  const before = loaded.flatMap((name) => ["--preload", scriptPath(name)]);
  const child = Bun.spawn([...command, process.execPath, ...flags, ...before, scriptPath(entry)], {
    cwd: folder,
    env: {
      ...process.env,
      HOST: "127.0.0.1",
      PORT: "0",
      AUTH: "demo",
      LOG_LEVEL: "warning",
      DATABASE_URL: `file:${join(folder, database)}`,
      COMMIT_DELAY_MS: String(commitDelayMs),
      ...options.env,
    },
    stdin: "ignore",
    stdout: "inherit",
    stderr: "pipe",
  });
  try {
    return await use({ pid: child.pid, port: await portOf(child) });
  } finally {
    child.kill("SIGTERM");
    const timer = setTimeout(() => child.kill("SIGKILL"), stopMs);
    await child.exited;
    clearTimeout(timer);
  }
}

/** Reads the port from the server's first output, and passes the rest on. */
async function portOf(child: Subprocess<"ignore", "inherit", "pipe">): Promise<number> {
  const decoder = new TextDecoder();
  let output = "";
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const timer = setTimeout(() => reject(new Error(`The server did not start: ${output}`)), startMs);
  void (async () => {
    let isFound = false;
    for await (const bytes of child.stderr) {
      const text = decoder.decode(bytes, { stream: true });
      if (isFound) process.stderr.write(text);
      else output += text;
      const port = /serving http:\/\/[^/\s]*:(\d+)\//.exec(output)?.[1];
      if (port === undefined || isFound) continue;
      isFound = true;
      resolve(Number(port));
    }
    reject(new Error(`The server ended: ${output}`));
  })().catch(reject);
  return promise.finally(() => clearTimeout(timer));
}
