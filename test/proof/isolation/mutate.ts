import * as devicePositionStatements from "../../../src/store/device-position-sql.ts";
import * as logStatements from "../../../src/store/read/log-sql.ts";
import * as marksStatements from "../../../src/store/write/marks-sql.ts";
import * as sendStatements from "../../../src/store/write/send-sql.ts";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Engine, Statement } from "../../../src/store/engine/engine.ts";
import * as deviceSql from "../../../src/store/push/device-sql.ts";
import * as historySql from "../../../src/store/read/history-sql.ts";
import * as peopleSql from "../../../src/store/read/people-sql.ts";
import * as dueSql from "../../../src/store/push/due-sql.ts";
import * as pushLogSql from "../../../src/store/push/push-log-sql.ts";
import * as pushWorkerSql from "../../../src/store/push/push-sql.ts";
import * as unackedSql from "../../../src/store/push/unacked-sql.ts";
import * as revocationSql from "../../../src/store/revocation-sql.ts";
import * as sql from "../../../src/store/sql.ts";
import { plant, type PlantName } from "../../plants/index.ts";
import { createReloader } from "../../support/reload-altered.ts";
import { type Predicate, sourceMutants } from "./mutant.ts";
import { type CompareOptions, compareTenants, type Kind, kinds, stepsMax } from "./tenants.ts";

/** A script, or its beginning, in which a mutant may show. */
export type Sight = { readonly script: number; readonly kind: Kind; readonly steps: number };
export type Found = Sight & { readonly violation: string };

/**
 * Where each mutant showed last: `bun test/proof/isolation/learn.ts` writes it again. Scripts may change with the code; then a mutant
 * takes longer to find.
 */
export const firstSights = JSON.parse(readFileSync(join(import.meta.dir, "first-sights.json"), "utf8")) as Record<
  string,
  Sight
>;

/** All of them, each once. */
export const keptSights: readonly Sight[] = [
  ...new Map(Object.values(firstSights).map((sight) => [JSON.stringify(sight), sight])).values(),
];

const pushSql = { ...pushWorkerSql, ...unackedSql, ...dueSql, ...pushLogSql };

/** The statements of the store by name, as the database gets them. */
const statements: ReadonlyMap<string, string> = new Map(
  Object.entries({
    ...sql,
    ...sendStatements,
    ...marksStatements,
    ...devicePositionStatements,
    ...logStatements,
    ...historySql,
    ...peopleSql,
    ...deviceSql,
    ...revocationSql,
    ...pushSql,
  }).filter((entry): entry is [string, string] => typeof entry[1] === "string"),
);

const predicatePattern = /(?:\b\w+\.)?\btenant\s*(?:=|<>|<|>|\bIS\b|\bIN\b)\s*(?:\?\d|\w+\.tenant|j\.value ->> \d)?/g;

/** Every comparison with a tenant in the store's statements, as `statement: predicate`; ` #2`: its second occurrence. */
export const predicatesInSql = (): readonly string[] =>
  [...statements].flatMap(([statement, text]) => {
    const found = [...text.matchAll(predicatePattern)].map(([predicate]) => predicate);
    return found.map((predicate, i) => {
      const nth = found.slice(0, i).filter((one) => one === predicate).length + 1;
      return `${statement}: ${predicate}${nth > 1 ? ` #${nth}` : ""}`;
    });
  });

const source = join(import.meta.dir, "../../../src");
const keyPattern = /`[^`]*\$\{[^`}]*\btenant\b[^`}]*\}[^`]*`/g;

/** Every template of the server's source that contains a tenant. The page is left out: a client has one user and no tenants. */
export const keysInSource = (): readonly { readonly file: string; readonly key: string }[] =>
  [...new Bun.Glob("**/*.ts").scanSync({ cwd: source })]
    .filter((file) => !file.startsWith("web/"))
    .sort()
    .flatMap((file) =>
      [...readFileSync(join(source, file), "utf8").matchAll(keyPattern)].map(([key]) => ({ file, key })),
    );

/** A statement without one of its predicates. A predicate that is missing or ambiguous is an error. */
function withoutOne(text: string, { statement, predicate }: Predicate): string {
  const [, like = "", nth] = /^(.*?)(?: #(\d+))?$/.exec(predicate) ?? [];
  const parts = text.split(like);
  const at = Number(nth ?? 1);
  if (
    at >= parts.length ||
    (nth === undefined && predicatesInSql().includes(`${statement}: ${like} #2`) === false && parts.length !== 2)
  )
    throw new Error(`${statement} has not exactly one ${predicate}`);
  return `${parts.slice(0, at).join(like)}true${parts.slice(at).join(like)}`;
}

/** Wraps an engine that removes predicates from its statements. */
export function withoutPredicates(gone: readonly Predicate[]) {
  const mutants = new Map<string, string>();
  // From the last to the first: the number of an occurrence depends on those before it.
  for (const one of gone.toSorted((a, b) => (a.predicate < b.predicate ? 1 : -1))) {
    const whole = statements.get(one.statement) ?? "";
    mutants.set(whole, withoutOne(mutants.get(whole) ?? whole, one));
  }
  const mutate = (given: readonly Statement[]): Statement[] =>
    given.map((one) => ({ ...one, sql: mutants.get(one.sql) ?? one.sql }));
  return (engine: Engine): Engine => ({
    read: (statements) => engine.read(mutate(statements)),
    write: (statements) => engine.write(mutate(statements)),
    close: engine.close,
  });
}

/** A mutant counts as not found when this many scripts do not show it. */
const scriptsMax = 80;
/** Most mutants show early, and a beginning costs only part of the whole. */
const beginnings = [4, 8, 15, stepsMax];

const sightsOf = (among: readonly Kind[], steps: number): readonly Sight[] =>
  Array.from({ length: scriptsMax }, (_, i) => among.map((kind) => ({ script: i + 1, kind, steps }))).flat();

/** Where to look for a mutant: where it showed last and then in whole scripts, in short beginnings of scripts, or in these alone. */
export type Search = "last" | "last, then shortest" | "shortest" | readonly Sight[];

/** Where to look for a mutant, in order. */
export function sightsFor(name: string, search: Search, among: readonly Kind[] = kinds): readonly Sight[] {
  if (typeof search !== "string") return search.filter(({ kind }) => among.includes(kind));
  const last = Object.hasOwn(firstSights, name) ? [firstSights[name]].filter((sight) => sight !== undefined) : [];
  const short = beginnings.flatMap((steps) => sightsOf(among, steps));
  if (search === "shortest") return short;
  return [...last, ...(search === "last" ? sightsOf(among, stepsMax) : short)];
}

/** The first sight that shows the planted fault; null: none does. */
export async function firstOf(
  sights: readonly Sight[],
  options: Omit<CompareOptions, "steps"> = {},
): Promise<Found | null> {
  for (const { script, kind, steps } of sights) {
    const [violation] = await compareTenants(script, kind, { ...options, steps });
    if (violation !== undefined) return { script, kind, steps, violation };
  }
  return null;
}

export const nameOfSql = ([first]: readonly Predicate[]): string => `${first?.statement}: ${first?.predicate}`;

/** Finds a mutant of the store's statements. */
export async function findBySql(
  gone: readonly Predicate[],
  { search = "last" }: { readonly search?: Search } = {},
): Promise<Found | null> {
  const wrapEngine = withoutPredicates(gone);
  const isOfPushes = gone.some(({ statement }) => statement in pushSql || statement in deviceSql);
  const among: readonly Kind[] = [isOfPushes ? "pushes" : "everything"];
  // Where one tenant is alone, every row is its own, and a comparison with it is true.
  return await firstOf(sightsFor(nameOfSql(gone), search, among), { wrapEngine, isKept: true });
}

let reloader: ReturnType<typeof createReloader> | undefined;

/** The same for an edit of the source: the modules that it reaches are loaded again, this one among them. */
export async function findBySource(
  mutant: PlantName,
  { search = "last" }: { readonly search?: Search } = {},
): Promise<Found | null> {
  const files = new Set(sourceMutants.flatMap((name) => plant(name)).map(({ file }) => file));
  reloader ??= createReloader({ entries: [import.meta.path], files: [...files] });
  reloader.loadWith(plant(mutant));
  try {
    const altered = await import("./mutate.ts");
    return await altered.firstOf(altered.sightsFor(mutant, search));
  } finally {
    reloader.loadWith([]);
  }
}
