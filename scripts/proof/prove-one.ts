/**
 * Runs one harness for the given milliseconds; the last line that it prints is the result.
 *
 *   bun scripts/proof/prove-one.ts NAME FROM MS
 */
import { allProofs } from "./all.ts";

const [, , name, from, ms] = process.argv;
const proof = allProofs.find((one) => one.name === name);
if (!proof) throw new Error(`There is no harness ${name}`);
const end = performance.now() + Number(ms);
const result = await proof.run({
  from: Number(from),
  count: Number.MAX_SAFE_INTEGER,
  isOver: () => performance.now() >= end,
  say: (text) => console.error(`  ${proof.name}: ${text}`),
});
console.log(JSON.stringify(result));
process.exit(0);
