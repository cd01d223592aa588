/** Faults that tests plant are logged nowhere: without this, all of them would be written to the console (L5). */
import { configureSync, getConfig } from "@logtape/logtape";

if (getConfig() === null)
  configureSync({ sinks: {}, loggers: [{ category: ["logtape", "meta"], lowestLevel: "error" }] });
