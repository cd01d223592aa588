import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dir, "../..");
const file = join(root, "docs/proof-tally.jsonl");

/** One run of one harness. */
export type Run = {
  readonly name: string;
  /** The commit that was tried; `+`: with uncommitted changes. */
  readonly commit: string;
  readonly date: string;
  readonly seconds: number;
  /** The numbers that it tried: from the first up to, not including, the next one. */
  readonly from: number;
  readonly next: number;
  readonly tried: number;
  readonly violations: number;
  readonly facts: Readonly<Record<string, number>>;
};

export function readTally(): readonly Run[] {
  if (!existsSync(file)) return [];
  return readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Run);
}

export function addRun(run: Run): void {
  appendFileSync(file, `${JSON.stringify(run)}\n`);
}

/** The first number that was not tried yet. */
export const nextNumber = (name: string): number =>
  readTally().reduce((next, run) => (run.name === name ? Math.max(next, run.next) : next), 1);

export async function currentCommit(): Promise<string> {
  const git = async (...args: string[]): Promise<string> => {
    const child = Bun.spawn(["git", ...args], { cwd: root, stdout: "pipe", stderr: "ignore" });
    return (await child.stdout.text()).trim();
  };
  const changed = await git("status", "--porcelain", "--", "src", "migrations", "test");
  return `${await git("rev-parse", "--short=9", "HEAD")}${changed === "" ? "" : "+"}`;
}
