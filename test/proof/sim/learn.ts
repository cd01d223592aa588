/**
 * Searches for every mutant, and saves in mutants.ts which world found it: `bun test/proof/sim/learn.ts`. Takes minutes where worlds have
 * changed with the code.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { mutants } from "./mutants.ts";

const seedsMax = 3_000;
const table = join(import.meta.dir, "mutants.ts");

for (const { name, seed } of mutants) {
  const script = join(import.meta.dir, "mutant-process.ts");
  const child = Bun.spawn([process.execPath, script, name, String(seedsMax)], { stdout: "pipe" });
  const found = (await child.stdout.json()) as { readonly seed: number } | null;
  console.log(`${name}: ${found === null ? "not found" : `world ${found.seed}`}`);
  if (found === null || found.seed === seed) continue;
  const text = readFileSync(table, "utf8");
  const was = `${JSON.stringify(name)}: ${seed},`;
  if (!text.includes(was)) throw new Error(`mutants.ts does not hold ${was}`);
  writeFileSync(table, text.replace(was, `${JSON.stringify(name)}: ${found.seed},`));
}

// docs/proof.md lists them: a process that reads the new table writes the page.
const prove = join(import.meta.dir, "../../../scripts/prove.ts");
const page = Bun.spawn([process.execPath, prove, "--minutes", "0"], { stdout: "ignore" });
if ((await page.exited) !== 0) throw new Error("docs/proof.md was not written");
