/**
 * Plants one bug into the connections to the database, for negative controls. PLANT is its name:
 *
 *   NORMAL, OFF  another `synchronous`: the log is synced at checkpoints only, or nothing is ever synced.
 *   trusting     takes the data of a killed process for durable, without a sync.
 */
import { plant, type PlantName } from "../../plants/index.ts";
import { alterSource } from "../../support/alter-source.ts";

export type Plant = "NORMAL" | "OFF" | "trusting";

const plants: Readonly<Record<Plant, PlantName>> = {
  NORMAL: "the log is synced at checkpoints only",
  OFF: "nothing is ever synced",
  trusting: "data of a killed process is taken for durable",
};

alterSource(plant(plants[process.env["PLANT"] as Plant]));
