import { join, resolve } from "node:path";
import type { Alteration } from "./alter-source.ts";

const root = join(import.meta.dir, "../..");
const preload = join(import.meta.dir, "alter-preload.ts");

export type AlteredTests = {
  /** The file of tests, from the root of the project. */
  readonly test: string;
  readonly alterations: readonly Alteration[];
  /** Runs only tests with a matching name. */
  readonly pattern?: string;
  /** Ends at the first failing test, so that only one test waits for an effect that the bug prevents. Default: false. */
  readonly stopsAtFirst?: boolean;
  /** Variables of the run. */
  readonly env?: Readonly<Record<string, string>>;
};

/**
 * Runs tests in a process of their own with bugs planted into the source, and returns the failing ones. Throws where none
 * ran: that would show nothing.
 */
export async function alteredTests({ test, alterations, pattern, stopsAtFirst = false, env = {} }: AlteredTests) {
  const which = [
    ...(pattern === undefined ? [] : ["--test-name-pattern", pattern]),
    ...(stopsAtFirst ? ["--bail"] : []),
  ];
  const child = Bun.spawn([process.execPath, "test", "--preload", preload, ...which, resolve(root, test)], {
    cwd: root,
    env: {
      ...process.env,
      ALTERATIONS: JSON.stringify(alterations),
      TEST_MS: "60000",
      ...(stopsAtFirst && { STOPS_AT_FIRST: "1" }),
      ...env,
    },
    ...{ stdin: "ignore", stdout: "pipe", stderr: "pipe" },
  });
  const [output] = await Promise.all([child.stderr.text(), child.stdout.text(), child.exited]);
  const count = (what: string): number => Number(new RegExp(`^\\s*(\\d+) ${what}$`, "m").exec(output)?.[1] ?? 0);
  const names = [...output.matchAll(/^\(fail\) (.+?)(?: \[[\d.]+m?s\])?$/gm)].map(([, name = ""]) => name);
  // A runner that stops at the first failure does not count.
  const [passed, failed] = [count("pass"), Math.max(count("fail"), names.length)];
  if (passed + failed === 0) throw new Error(`No test ran: ${output.slice(-500)}`);
  return { passed, failed, names: [...new Set(names)].toSorted(), output };
}

/** The first failing test of a file with planted bugs, among those with `name` in their names. */
export async function failingTests(
  file: string,
  { alterations, name }: { readonly alterations: readonly Alteration[]; readonly name: string },
): Promise<readonly string[]> {
  const { names } = await alteredTests({ test: file, alterations, pattern: name, stopsAtFirst: true });
  return names.map((each) => each.split(" > ").at(-1) ?? each);
}
