/**
 * Searches for every mutant, and saves in mutants.ts which world found it: `bun test/proof/sim/learn.ts`. Takes minutes where worlds have
 * changed with the code.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { lineReader } from "../../support/lines.ts";
import { mutants } from "./mutants.ts";

const seedsMax = 3_000;
const table = join(import.meta.dir, "mutants.ts");
const script = join(import.meta.dir, "mutant-process.ts");
const searcher = Bun.spawn([process.execPath, script, String(seedsMax)], { stdin: "pipe", stdout: "pipe" });
const readLine = lineReader(searcher.stdout);

for (const { name, seed } of mutants) {
  void searcher.stdin.write(`${name}\n`);
  await searcher.stdin.flush();
  const found = JSON.parse(await readLine()) as { readonly seed: number } | null;
  console.log(`${name}: ${found === null ? "not found" : `world ${found.seed}`}`);
  if (found === null || found.seed === seed) continue;
  const text = readFileSync(table, "utf8");
  const was = `${JSON.stringify(name)}: ${seed},`;
  if (!text.includes(was)) throw new Error(`mutants.ts does not hold ${was}`);
  writeFileSync(table, text.replace(was, `${JSON.stringify(name)}: ${found.seed},`));
}
await searcher.stdin.end();

// docs/proof.md lists them: a process that reads the new table writes the page.
const prove = join(import.meta.dir, "../../../scripts/prove.ts");
const page = Bun.spawn([process.execPath, prove, "--minutes", "0"], { stdout: "ignore" });
if ((await page.exited) !== 0) throw new Error("docs/proof.md was not written");
