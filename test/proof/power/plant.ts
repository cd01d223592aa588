/**
 * Plants one bug into the connections to the database, for negative controls. PLANT names it:
 *
 *   NORMAL, OFF  another `synchronous`: the log is synced at checkpoints only, or nothing ever is.
 *   trusting     takes what a killed process has left for durable, as it finds it.
 */
import { plant, type PlantName } from "../../plants/index.ts";
import { alterSource } from "../../support/alter-source.ts";

export type Plant = "NORMAL" | "OFF" | "trusting";

const plants: Readonly<Record<Plant, PlantName>> = {
  NORMAL: "the log is synced at checkpoints only",
  OFF: "nothing is ever synced",
  trusting: "what a killed process has left is taken for durable",
};

alterSource(plant(plants[process.env["PLANT"] as Plant]));
