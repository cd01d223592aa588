import { existsSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { withScratch } from "../scratch.ts";
import { type ServerProcess, withServer } from "../server-process.ts";
import type { Cores } from "./cores.ts";

export type Side = "naive" | "tidings";
/** The same of both servers. */
export type Both<T> = Readonly<Record<Side, T>>;

let turns = 0;

/** Measures both servers, one after the other, and begins with the other one the next time: a neighbour's load does not always meet the same. */
export async function inTurn<T>(use: (side: Side) => Promise<T>): Promise<Both<T>> {
  if (turns++ % 2 === 0) {
    const naive = await use("naive");
    return { naive, tidings: await use("tidings") };
  }
  const tidings = await use("tidings");
  return { naive: await use("naive"), tidings };
}

export const ratioOf = <T>({ naive, tidings }: Both<T>, of: (seen: T) => number): number => of(tidings) / of(naive);

export type SideOptions = {
  readonly cores: Cores;
  readonly commitDelayMs: number;
  /** Puts files into the server's folder before it starts. */
  readonly prepare?: (folder: string) => Promise<void>;
  /** Called once the server has ended, with its database. */
  readonly check?: (file: string) => void;
  readonly isProbed?: boolean;
};

/** A server that runs; `probe` measures it. */
export type SideServer = ServerProcess & { readonly file: string; readonly probe: Probe };

/** Runs `use` on a fresh server of one side. */
export async function withSide<T>(
  side: Side,
  options: SideOptions,
  use: (server: SideServer) => Promise<T>,
): Promise<T> {
  const { cores, commitDelayMs, prepare, check, isProbed = false } = options;
  return await withScratch(async (folder) => {
    await prepare?.(folder);
    const file = join(folder, "chat.db");
    const stallFile = join(folder, "stall");
    const seen = await withServer(
      {
        ...{ folder, commitDelayMs, command: cores.serverCommand, env: { STALL_FILE: stallFile } },
        ...(side === "naive" && { entry: "naive/server.ts" }),
        ...(isProbed && { preloads: ["stall-probe.ts"] }),
      },
      (server) => use({ ...server, file, probe: createProbe(server.pid, { stallFile, log: `${file}-wal` }) }),
    );
    check?.(file);
    return seen;
  });
}

/** What one sees of a server from outside, while it works. */
export type Probe = {
  /** Runs `use`, and measures from `afterMs` on: the longest stop of the event loop, and the largest size of the database's log. */
  during<T>(use: () => Promise<T>, afterMs: number): Promise<{ seen: T; stallMs: number; logBytes: number }>;
};

const lookEveryMs = 20;
const stallWaitMs = 10_000;

function createProbe(pid: number, { stallFile, log }: { readonly stallFile: string; readonly log: string }): Probe {
  /** The longest stop since the last call. */
  async function takeStall(): Promise<number> {
    rmSync(stallFile, { force: true });
    process.kill(pid, "SIGUSR2");
    const end = performance.now() + stallWaitMs;
    for (;;) {
      const text = existsSync(stallFile) ? readFileSync(stallFile, "utf8") : "";
      if (text !== "") return Number(text);
      if (performance.now() > end) throw new Error("The server does not say how long its event loop stopped");
      await Bun.sleep(5);
    }
  }

  return {
    async during(use, afterMs) {
      let logBytes = 0;
      const look = setInterval(() => {
        logBytes = Math.max(logBytes, statSync(log, { throwIfNoEntry: false })?.size ?? 0);
      }, lookEveryMs);
      try {
        const running = use();
        await Promise.race([running, Bun.sleep(afterMs)]);
        await takeStall();
        const seen = await running;
        return { seen, stallMs: await takeStall(), logBytes };
      } finally {
        clearInterval(look);
      }
    },
  };
}
