/** Every door of package.json opens: the file is there, and imports under its public name, or resolves where it is for browsers. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { isScript } from "./published-manifest.ts";

const root = join(import.meta.dir, "..");

type Package = {
  readonly name: string;
  readonly exports: Readonly<Record<string, string>>;
  readonly bin?: Readonly<Record<string, string>>;
};

async function checkExports(): Promise<readonly string[]> {
  const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as Package;
  const violations: string[] = [];
  const doors = [...Object.entries(manifest.exports), ...Object.entries(manifest.bin ?? {})];
  for (const [door, path] of doors) {
    if (!existsSync(join(root, path))) violations.push(`${door} leads to ${path}, which does not exist`);
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

const violations = await checkExports();
for (const violation of violations) console.error(violation);
// An import that left a timer or a socket behind would keep this program alive for ever.
process.exit(violations.length > 0 ? 1 : 0);
