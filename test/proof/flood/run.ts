/**
 * The flood, and the memory of its backlog, at their full size.
 *
 *   bun test/proof/flood/run.ts [--seed 1] [--small] [flood] [backlog]
 *
 * FLOOD_USERS, FLOOD_MESSAGES, FLOOD_MS and FLOOD_CRASHES change the size; FLOOD_SERVER_FLAGS go between `bun` and the server, such
 * as --cpu-prof.
 */
import { parseArgs } from "node:util";
import { describeOutcome } from "../load/scenario.ts";
import { backlog } from "./backlog.ts";
import { flood } from "./flood.ts";
import { fullBacklog, fullFlood, smallBacklog, smallFlood } from "./sizes.ts";

const { values, positionals } = parseArgs({
  options: { seed: { type: "string", default: "1" }, small: { type: "boolean", default: false } },
  allowPositionals: true,
});
const options = { seed: Number(values.seed), say: console.error };
const runs = {
  flood: () => flood({ ...options, size: values.small ? smallFlood : fullFlood }),
  backlog: () => backlog({ ...options, size: values.small ? smallBacklog : fullBacklog }),
};
let isWrong = false;
for (const [name, run] of Object.entries(runs)) {
  if (positionals.length > 0 && !positionals.includes(name)) continue;
  const outcome = await run();
  console.log(`${name}: ${describeOutcome(outcome)}`);
  isWrong ||= outcome.violations.length > 0;
}
process.exit(isWrong ? 1 : 0);
