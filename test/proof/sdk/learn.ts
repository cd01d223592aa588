/** Searches for every mutant of the client, and saves in mutants.ts which world found it: `bun test/proof/sdk/learn.ts`. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { lineReader } from "../../support/lines.ts";
import type { Found } from "./mutant-process.ts";
import { mutants } from "./mutants.ts";

const seedsMax = 3_000;
const table = join(import.meta.dir, "mutants.ts");
const script = join(import.meta.dir, "mutant-process.ts");
const searcher = Bun.spawn([process.execPath, script, String(seedsMax)], { stdin: "pipe", stdout: "pipe" });
const readLine = lineReader(searcher.stdout);

for (const { name, seed } of mutants) {
  void searcher.stdin.write(`${name}\n`);
  await searcher.stdin.flush();
  const found = JSON.parse(await readLine()) as Found | null;
  console.log(`${name}: ${found === null ? "not found" : `world ${found.seed}`}`);
  if (found === null || found.seed === seed) continue;
  const text = readFileSync(table, "utf8");
  const was = `${JSON.stringify(name)}: ${seed},`;
  if (!text.includes(was)) throw new Error(`mutants.ts does not hold ${was}`);
  writeFileSync(table, text.replace(was, `${JSON.stringify(name)}: ${found.seed},`));
}
await searcher.stdin.end();
