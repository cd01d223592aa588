import { ChatError } from "../../error.ts";
import type { Engine } from "../engine/engine.ts";
import { reasonOf } from "../engine/failure.ts";
import { findTables, findUnprefixed, hasTablesOf, renameUnprefixed, tablesOf } from "./adopt.ts";
import { type Comparison, compare, type Entry } from "./compare.ts";
import { forgetEarly, withoutEarly } from "./early-contraction.ts";
import { hashOf, inOrder, labelOf, type Migration, migrationRefused } from "./migration.ts";
import { runPieces } from "./pieces.ts";
import { plan, requireKnown, type Script, scriptOf, type Step, type Target } from "./plan.ts";
import { forgetAbove, tableStatements, readState, remember, requireVersion, type State, setVersion } from "./state.ts";

export type MigrateOptions = {
  /** Default: everything that is pending. */
  readonly to?: Target;
  /** Called after each step, once it is durable. */
  readonly onStep?: (step: Step) => void;
  /** Called once the tables of an old database have got their prefix. */
  readonly onRename?: () => void;
  /** Waited for before each step, and each piece of one: on a file they hold the event loop for some milliseconds. */
  readonly pause?: () => Promise<void>;
};

/** The state of the database, and the reason why it cannot be migrated, if there is one. */
export type Status = {
  readonly version: number;
  readonly isDirty: boolean;
  readonly entries: readonly Entry[];
  readonly refusal: ChatError | undefined;
  /** Its tables have the names of before the prefix: the next migration renames them first. */
  readonly isUnprefixed: boolean;
};

/**
 * Brings a database to a target, one migration a transaction: its statements, the version and the hash are
 * committed together or not at all. Statements that are divided run before that, in pieces. Answers the steps that were taken.
 *
 * @throws {ChatError} `migration_refused`: dirty, missing, out of order, edited, or a step that failed (nothing of
 * it stays); `unavailable`: the database cannot be reached, the outcome of the step is unknown; run it again.
 */
export async function migrate(
  engine: Engine,
  migrations: readonly Migration[],
  options: MigrateOptions = {},
): Promise<Step[]> {
  const sorted = inOrder(migrations);
  const old = await findUnprefixed(engine, sorted);
  if (old) {
    await renameUnprefixed(engine, old);
    options.onRename?.();
  }
  await forgetEarly(engine, { state: await readState(engine), migrations: sorted });
  const { state, comparison } = await look(engine, sorted);
  if (comparison.refusal !== undefined) throw comparison.refusal;
  const steps = plan(sorted, { version: state.version, target: options.to ?? "latest" });
  // Parse everything first: a script that cannot be read stops the run before it has begun.
  const scripts = steps.map((step) => scriptOf(step));

  const isStale = state.applied.some(({ version }) => version > state.version);
  if (comparison.adopted.length > 0 || isStale) {
    await engine.write([
      ...tableStatements,
      requireVersion(state.version),
      forgetAbove(state.version),
      ...comparison.adopted.map(remember),
    ]);
  }
  let { version } = state;
  for (const [i, step] of steps.entries()) {
    await options.pause?.();
    await take(engine, {
      step,
      from: version,
      script: scripts[i] ?? { divided: [], statements: [] },
      pause: options.pause,
    });
    version = step.after;
    options.onStep?.(step);
  }
  return steps;
}

/**
 * The migrations that the database lacks: all of them where its tables have the names of before the prefix. It may be asked often: it only
 * reads. Throws as `migrate` does.
 */
export async function pending(engine: Engine, migrations: readonly Migration[]): Promise<Migration[]> {
  const sorted = inOrder(migrations);
  if (await findUnprefixed(engine, sorted)) return sorted;
  const { state, comparison } = await look(engine, sorted);
  if (comparison.refusal !== undefined) throw comparison.refusal;
  return plan(sorted, { version: state.version, target: "latest" }).map(({ migration }) => migration);
}

/** Looks, and refuses nothing. */
export async function statusOf(engine: Engine, migrations: readonly Migration[]): Promise<Status> {
  const sorted = inOrder(migrations);
  const { state, comparison } = await look(engine, sorted);
  const { version, isDirty } = state;
  const isUnprefixed = (await findUnprefixed(engine, sorted)) !== null;
  return { version, isDirty, entries: comparison.entries, refusal: comparison.refusal, isUnprefixed };
}

/**
 * Declares the state of the schema without running anything: it is at this version, clean, and every migration
 * up to it is applied with its present content.
 *
 * @throws {ChatError} `migration_refused`: there is no such version, or a table of a later migration is there.
 */
export async function force(
  engine: Engine,
  { migrations, version }: { readonly migrations: readonly Migration[]; readonly version: number },
): Promise<void> {
  const sorted = inOrder(migrations);
  requireKnown(sorted, version);
  await requireAbsent(engine, sorted, version);
  const kept = sorted.filter((migration) => migration.version <= version);
  const applied = await Promise.all(kept.map(async (one) => ({ ...one, hash: await hashOf(one) })));
  await engine.write([...tableStatements, forgetAbove(0), ...applied.map(remember), ...setVersion(version)]);
}

/** A table of a later migration would make the next `up` fail, with an error that does not show the reason. */
async function requireAbsent(engine: Engine, sorted: readonly Migration[], version: number): Promise<void> {
  const before = new Set(sorted.filter((one) => one.version <= version).flatMap(tablesOf));
  for (const migration of sorted.filter((one) => one.version > version)) {
    const later = tablesOf(migration).filter((name) => !before.has(name));
    const [found] = await findTables(engine, later);
    if (found === undefined) continue;
    throw migrationRefused(
      `The schema is not at version ${version}: the table ${found} of ${labelOf(migration)} is there, and \`up\` could not make it ` +
        `again. To take migrations back, run \`goto ${version}\`; where one stopped in the middle, drop by hand what it left`,
    );
  }
}

async function look(engine: Engine, sorted: readonly Migration[]): Promise<{ state: State; comparison: Comparison }> {
  const state = withoutEarly(await readState(engine), sorted);
  const hashes = await Promise.all(sorted.map(hashOf));
  const comparison = compare(sorted, { hashes, state });
  const [first] = sorted;
  if (comparison.refusal !== undefined || first === undefined || state.version < first.version)
    return { state, comparison };
  if (await hasTablesOf(engine, first)) return { state, comparison };
  const refusal = migrationRefused(
    `tidings_schema_migrations says version ${state.version}, but no table of ${labelOf(first)} is there: the version is not that ` +
      "of this schema. Find out who wrote it; `force 0` says that nothing is applied",
  );
  return { state, comparison: { ...comparison, refusal } };
}

type Taking = {
  readonly step: Step;
  readonly from: number;
  readonly script: Script;
  readonly pause: MigrateOptions["pause"];
};

async function take(engine: Engine, { step, from, script, pause }: Taking): Promise<void> {
  const { migration, direction, after } = step;
  const hash = await hashOf(migration);
  try {
    for (const divided of script.divided) await runPieces(engine, { divided, from, pause });
    await engine.write([
      ...tableStatements,
      requireVersion(from),
      ...script.statements,
      ...setVersion(after),
      direction === "up" ? remember({ ...migration, hash }) : forgetAbove(after),
    ]);
  } catch (cause) {
    await judge(engine, { step, from, cause, isDivided: script.divided.length > 0 });
  }
}

/** A rejected write says nothing of its outcome, so ask the database. */
async function judge(
  engine: Engine,
  { step, from, cause, isDivided }: { step: Step; from: number; cause: unknown; isDivided: boolean },
): Promise<void> {
  const state = await readState(engine);
  if (state.version === step.after && !state.isDirty) return;
  const what = `${labelOf(step.migration)} (${step.direction})`;
  const reason = reasonOf(cause);
  if (state.version !== from || state.isDirty) {
    const text = `${what} was not run: another process is migrating this database. Wait for it, then run \`status\``;
    throw new ChatError("unavailable", text, { cause });
  }
  if (!isAnsweredBySql(cause)) {
    throw new ChatError("unavailable", `Whether ${what} was run is not known. It is safe to run it again. ${reason}`, {
      cause,
    });
  }
  const rest = isDivided ? "the pieces that were done stay" : "nothing of it stays";
  const text = `${what} failed, and ${rest}; the database is at version ${from}. Mend it and run it again. ${reason}`;
  throw migrationRefused(text, { cause });
}

/** The database itself refused the statements, so it is not still at work on them. */
function isAnsweredBySql(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && "code" in cause && typeof cause.code === "string" && cause.code.startsWith("SQL");
}
