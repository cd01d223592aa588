import type { Alteration } from "../../support/alter-source.ts";
import { alteredTests } from "../../support/failing-tests.ts";
import type { Proof } from "../proof.ts";

/** The files that run the contract of the protocol over an adapter. */
export const adapterFiles = ["node", "deno", "hono-bun", "hono-node", "hono-deno"].map(
  (name) => `test/adapter/protocol/${name}.test.ts`,
);

export type ContractRun = {
  /** Number k runs over adapter k modulo their number. */
  readonly number: number;
  /** Only tests with a matching name. Default: all. */
  readonly pattern?: string;
  readonly alterations?: readonly Alteration[];
};

/** Runs the whole contract over one adapter, without the cuts of `bun run test`; returns the number of tests and those that failed. */
export async function runContract({ number, pattern, alterations = [] }: ContractRun) {
  const test = adapterFiles[number % adapterFiles.length] ?? "";
  const { passed, failed, names } = await alteredTests({
    ...{ test, alterations, env: { PROTOCOL: "all" } },
    ...(pattern === undefined ? {} : { pattern }),
  });
  return { tests: passed + failed, violations: names.map((name) => `${number}: ${test}: ${name}`) };
}

/** The contract over one adapter after another. */
export const proof: Proof = {
  name: "adapters",
  unit: "runs of the contract",
  rules: ["G1"],
  weight: 1,
  async run({ from, count, isOver, say }) {
    const violations: string[] = [];
    let next = from;
    let all = 0;
    while (next < from + count && !isOver()) {
      const found = await runContract({ number: next });
      violations.push(...found.violations);
      all += found.tests;
      next++;
      say(`${next - from} runs, ${all} tests, ${violations.length} failed`);
    }
    return { tried: next - from, next, violations, facts: { tests: all } };
  },
};
