import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Engine, Statement } from "../../src/store/engine/engine.ts";
import * as historySql from "../../src/store/history-sql.ts";
import * as peopleSql from "../../src/store/people-sql.ts";
import * as sql from "../../src/store/sql.ts";
import { type SourceMutant, sourceMutants } from "./mutant.ts";
import { compareTenants } from "./tenants.ts";

/** A comparison with a tenant, in a statement as the database gets it. */
const statements: ReadonlyMap<string, string> = new Map(
  Object.entries({ ...sql, ...historySql, ...peopleSql }).filter(
    (entry): entry is [string, string] => typeof entry[1] === "string",
  ),
);

const predicatePattern = /(?:\b\w+\.)?\btenant\s*(?:=|<>|<|>|\bIS\b|\bIN\b)\s*(?:\?\d|\w+\.tenant|j\.value ->> \d)?/g;

/** Every comparison with a tenant in the statements of the store, as `statement: predicate`. */
export const predicatesInSql = (): readonly string[] =>
  [...statements].flatMap(([statement, text]) =>
    [...text.matchAll(predicatePattern)].map(([predicate]) => `${statement}: ${predicate}`),
  );

const source = join(import.meta.dir, "../../src");
const keyPattern = /`[^`]*\$\{[^`}]*\btenant\b[^`}]*\}[^`]*`/g;

/** Every template of the server's source that a tenant goes into; the page, a client, has one person and no tenants. */
export const keysInSource = (): readonly { readonly file: string; readonly key: string }[] =>
  [...new Bun.Glob("**/*.ts").scanSync({ cwd: source })]
    .filter((file) => !file.startsWith("web/"))
    .sort()
    .flatMap((file) =>
      [...readFileSync(join(source, file), "utf8").matchAll(keyPattern)].map(([key]) => ({ file, key })),
    );

/** An engine to which a statement comes without some of its predicates. A predicate that is not there is an error. */
export function withoutPredicates(statement: string, predicates: readonly string[]) {
  const whole = statements.get(statement) ?? "";
  const mutated = predicates.reduce((text, predicate) => {
    if (text.split(predicate).length !== 2) throw new Error(`${statement} has not exactly one ${predicate}`);
    return text.replace(predicate, "true");
  }, whole);
  const mutate = (given: readonly Statement[]): Statement[] =>
    given.map((one) => (one.sql === whole ? { ...one, sql: mutated } : one));
  return (engine: Engine): Engine => ({
    read: (statements) => engine.read(mutate(statements)),
    write: (statements) => engine.write(mutate(statements)),
    close: engine.close,
  });
}

/** The first script, of so many, that shows what the engine's statements lack; null: none does. */
export async function findBySql(
  statement: string,
  predicates: readonly string[],
  scripts: number,
): Promise<string | null> {
  const wrapEngine = withoutPredicates(statement, predicates);
  for (let seed = 1; seed <= scripts; seed++) {
    const [violation] = await compareTenants(seed, { wrapEngine });
    if (violation !== undefined) return violation;
  }
  return null;
}

/** As `findBySql`, for an edit of the source: in a process of its own, because a module is loaded once. */
export async function findBySource(mutant: SourceMutant, scripts: number): Promise<string | null> {
  const child = Bun.spawn(
    [
      process.execPath,
      join(import.meta.dir, "mutated-process.ts"),
      String(sourceMutants.indexOf(mutant)),
      String(scripts),
    ],
    { stdin: "ignore", stdout: "pipe", stderr: "inherit" },
  );
  const text = await child.stdout.text();
  if ((await child.exited) !== 0) throw new Error(`The process with the mutated ${mutant.file} failed`);
  return JSON.parse(text) as string | null;
}
