import { runChild } from "../child.ts";
import type { ServerProcess } from "../server-process.ts";
import type { PairsAnswer, PairsInput } from "./pairs.ts";

export const warmUpMsDefault = 2_000;
const graceMs = 60_000;

/** Runs pairs of users on a server and returns their measurements; throws where anything was lost or doubled. */
export async function runPairs(
  { port, pid }: ServerProcess,
  load: Pick<PairsInput, "pairs" | "window" | "rate" | "textBytes" | "registers"> & {
    readonly seconds: number;
    readonly warmUpMs?: number;
    /** More nodes: then a sender and its receiver are never on the same one. */
    readonly others?: readonly ServerProcess[];
    /** Processes that are measured too, such as a database's. */
    readonly beside?: readonly number[];
  },
): Promise<PairsAnswer> {
  const { seconds, warmUpMs = warmUpMsDefault, others = [], beside = [], ...rest } = load;
  const measureMs = seconds * 1_000;
  const input: PairsInput = {
    ...rest,
    ...{ ports: [port, ...others.map((other) => other.port)], pids: [pid, ...others.map((other) => other.pid)] },
    ...{ besidePids: beside, warmUpMs, measureMs },
  };
  const seen = await runChild<PairsAnswer>("load/pairs.ts", input, warmUpMs + measureMs + graceMs);
  if (seen.accepted !== seen.sent || seen.received !== seen.sent)
    throw new Error(`Of ${seen.sent} sends ${seen.accepted} were accepted and ${seen.received} received`);
  return seen;
}
