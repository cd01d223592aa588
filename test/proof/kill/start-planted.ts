import { join } from "node:path";
import { type Start, startServer } from "../../support/server.ts";
import type { Plant } from "./planted-server.ts";

/** Starts the real server with one bug planted into it. */
export const startPlanted =
  (plant: Plant): Start =>
  (options = {}) =>
    startServer({
      ...options,
      script: join(import.meta.dir, "planted-server.ts"),
      env: { ...options.env, PLANT: plant },
    });
