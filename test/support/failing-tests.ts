import { join } from "node:path";
import type { Alteration } from "./alter-source.ts";

const preload = join(import.meta.dir, "alter-preload.ts");

/**
 * The names of the tests of a file that fail once bugs are planted into the source, out of those whose names hold `name`. Throws where the file did not run:
 * that would show nothing.
 */
export async function failingTests(
  file: string,
  { alterations, name }: { readonly alterations: readonly Alteration[]; readonly name: string },
): Promise<readonly string[]> {
  const child = Bun.spawn([process.execPath, "test", "--timeout", "60000", "--preload", preload, file, "-t", name], {
    env: { ...process.env, ALTERATIONS: JSON.stringify(alterations) },
    ...{ stdin: "ignore", stdout: "pipe", stderr: "pipe" },
  });
  const [output] = await Promise.all([child.stderr.text(), child.stdout.text(), child.exited]);
  if (!/^\s*\d+ pass$/m.test(output)) throw new Error(`The tests did not run: ${output.slice(-500)}`);
  return [...output.matchAll(/^\(fail\) .* > (.+) \[/gm)].map(([, failed = ""]) => failed);
}
