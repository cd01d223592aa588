/** Every export of package.json works: its file exists, and can be imported by its public name, or only resolved if it is for browsers. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { isScript } from "./published-manifest.ts";
import { reportViolations, repositoryRoot } from "./violations.ts";

type Package = {
  readonly name: string;
  readonly exports: Readonly<Record<string, string>>;
  readonly bin?: Readonly<Record<string, string>>;
};

async function checkExports(): Promise<readonly string[]> {
  const manifest = JSON.parse(readFileSync(join(repositoryRoot, "package.json"), "utf8")) as Package;
  const violations: string[] = [];
  const doors = [...Object.entries(manifest.exports), ...Object.entries(manifest.bin ?? {})];
  for (const [door, path] of doors) {
    if (!existsSync(join(repositoryRoot, path))) violations.push(`${door} leads to ${path}, which does not exist`);
  }
  if (violations.length > 0) return violations;
  for (const [door, path] of Object.entries(manifest.exports)) {
    if (door === "./package.json") continue;
    const name = door.replace(/^\./, manifest.name);
    try {
      if (isScript(path)) {
        import.meta.resolve(name);
        continue;
      }
      const module = (await import(name)) as object;
      if (Object.keys(module).length === 0) violations.push(`${name} exports nothing`);
    } catch (error) {
      violations.push(`${name} cannot be imported: ${String(error)}`);
    }
  }
  return violations;
}

reportViolations(await checkExports());
// An import that left a timer or a socket behind would keep this program running for ever.
process.exit();
