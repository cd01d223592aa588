import type { Engine } from "../engine/engine.ts";
import type { Migration } from "./migration.ts";
import { forgetAbove, requireVersion, type State, setVersion, tableStatements } from "./state.ts";

/**
 * For some days migration 15 was the contraction that is 16 today: groups had to come before it, because it waits for the last node of an older release. A database
 * of that time counts as one at version 14; the contraction finds nothing to take away there.
 */
const early = { version: 15, name: "prev_contract" } as const;

/** Whether the database has it under its old number. */
const hasEarly = ({ version, applied }: State, migrations: readonly Migration[]): boolean =>
  version === early.version &&
  applied.some((one) => one.version === early.version && one.name === early.name) &&
  migrations.some((one) => one.version === early.version && one.name !== early.name);

/** The state by today's numbers. */
export function withoutEarly(state: State, migrations: readonly Migration[]): State {
  if (!hasEarly(state, migrations)) return state;
  const version = early.version - 1;
  return { ...state, version, applied: state.applied.filter((one) => one.version <= version) };
}

/** Writes the state by today's numbers. */
export async function forgetEarly(
  engine: Engine,
  { state, migrations }: { readonly state: State; readonly migrations: readonly Migration[] },
): Promise<void> {
  if (!hasEarly(state, migrations) || state.isDirty) return;
  const version = early.version - 1;
  await engine.write([...tableStatements, requireVersion(early.version), forgetAbove(version), ...setVersion(version)]);
}
