import { join } from "node:path";
import type { Limits } from "../../../src/protocol/limits.ts";
import type { FcmOptions } from "../../../src/push/provider/fcm.ts";
import type { OneSignalOptions } from "../../../src/push/provider/onesignal.ts";
import { plant } from "../../plants/index.ts";
import type { Alteration } from "../../support/alter-source.ts";
import { type RunningServer, startServer } from "../../support/server.ts";

export type FloodSettings = {
  readonly fcm: Pick<FcmOptions, "serviceAccount" | "baseUrl">;
  readonly oneSignal: Pick<OneSignalOptions, "appId" | "apiKey" | "baseUrl">;
  readonly limits: Partial<Limits>;
};

export type FloodStart = {
  readonly settings: FloodSettings;
  readonly dir: string;
  readonly port?: number;
  /** Planted bugs. */
  readonly alterations?: readonly Alteration[];
};

export type Held = { readonly sizes: Readonly<Record<string, number>>; readonly heapBytes: number };

const script = join(import.meta.dir, "server.ts");
const preload = join(import.meta.dir, "../../support/alter-preload.ts");
/** For a profiler: more words between `bun` and the script, such as --cpu-prof. */
const flags = (process.env["FLOOD_SERVER_FLAGS"] ?? "").split(" ").filter((flag) => flag !== "");
/** Small, so that it is full at once: the cache of a growing database grows, which is no leak. */
const cacheBytes = 4 * 1_048_576;

export async function startFlooded({ settings, dir, port, alterations = [] }: FloodStart): Promise<RunningServer> {
  return await startServer({
    ...{ dir, script, runtime: [process.execPath, ...flags, "--preload", preload] },
    ...(port !== undefined && { port }),
    env: {
      FLOOD: JSON.stringify(settings),
      ALTERATIONS: JSON.stringify([...plant("a page cache of so many bytes", cacheBytes), ...alterations]),
    },
  });
}

export async function heldBy({ port }: Pick<RunningServer, "port">): Promise<Held> {
  return (await (await fetch(`http://127.0.0.1:${port}/held`)).json()) as Held;
}
