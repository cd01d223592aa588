/**
 * Plants one bug into the connections to the database, for negative controls. PLANT names it:
 *
 *   NORMAL, OFF  another `synchronous`: the log is synced at checkpoints only, or nothing ever is.
 *   trusting     takes what a killed process has left for durable, as it finds it.
 */
import { alterSource } from "../support/alter-source.ts";

export type Plant = "NORMAL" | "OFF" | "trusting";

type Exchange = readonly [from: string, to: string];

const synchronous = (name: string, level: number): readonly Exchange[] => [
  ["PRAGMA synchronous = FULL", `PRAGMA synchronous = ${name}`],
  [`"synchronous", 2)`, `"synchronous", ${level})`],
];
const plants: Readonly<Record<Plant, readonly Exchange[]>> = {
  NORMAL: synchronous("NORMAL", 1),
  OFF: synchronous("OFF", 0),
  trusting: [["PRAGMA wal_checkpoint(PASSIVE)", "SELECT 1"]],
};

alterSource(
  plants[process.env["PLANT"] as Plant].map(([from, to]) => ({ file: "store/engine/connection.ts", from, to })),
);
