import { join } from "node:path";
import { defaultLimits, type Limits } from "../../src/protocol/limits.ts";
import { plant } from "../plants/index.ts";
import type { Alteration } from "./alter-source.ts";
import { type RunningServer, startServer, type StartOptions } from "./server.ts";

/** A server's memory, after a garbage collection. */
export type Holdings = {
  readonly sizes: Readonly<Record<string, number>>;
  readonly heapSize: number;
  readonly objectCount: number;
  readonly objectTypeCounts: Readonly<Record<string, number>>;
};

export type AlteredOptions = Omit<StartOptions, "script"> & {
  readonly alterations?: readonly Alteration[];
  readonly limits?: Partial<Limits>;
  /** Whether `holdingsOf` may be asked. */
  readonly isInspected?: boolean;
};

const script = join(import.meta.dir, "altered-server.ts");

/** The real server, in a process of its own, with parts of its source replaced. */
export async function startAltered(options: AlteredOptions = {}): Promise<RunningServer> {
  const { alterations = [], limits = {}, isInspected = false, ...rest } = options;
  const all: Alteration[] = [...alterations];
  if (Object.keys(limits).length > 0) all.push(...plant("other limits", limits));
  for (const name of Object.keys(limits))
    if (!Object.hasOwn(defaultLimits, name)) throw new Error(`There is no limit ${name}`);
  const env = { ...rest.env, ALTERATIONS: JSON.stringify(all), INSPECT: isInspected ? "1" : "0" };
  return await startServer({ ...rest, env, script });
}

/** Asks a server that was started with `isInspected`; forces a garbage collection in it. */
export async function holdingsOf(server: Pick<RunningServer, "output">): Promise<Holdings> {
  const [, port] = /"message":"inspecting","port":(\d+)/.exec(server.output()) ?? [];
  if (port === undefined) throw new Error("The server is not inspected");
  const response = await fetch(`http://127.0.0.1:${port}/`);
  return (await response.json()) as Holdings;
}
