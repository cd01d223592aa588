import type { ChatError } from "../../error.ts";
import { labelOf, type Migration, migrationRefused } from "./migration.ts";
import type { Applied, State } from "./state.ts";

/**
 * applied · pending (not yet) · dirty (a tool stopped in the middle of it) · edited (applied with other content) ·
 * missing (applied, but not among the migrations) · late (not applied, though newer ones are).
 */
export type Standing = "applied" | "pending" | "dirty" | "edited" | "missing" | "late";

export type Entry = { readonly version: number; readonly name: string; readonly standing: Standing };

export type Comparison = {
  /** Every version that either side knows, in order. */
  readonly entries: readonly Entry[];
  /** Applied by golang-migrate: the database is at or past them, and has no hash of them yet. */
  readonly adopted: readonly Applied[];
  /** Why nothing may be migrated until an operator has looked at it. */
  readonly refusal: ChatError | undefined;
};

/** Holds the migrations, in order and with their hashes, against what the database says. Pure. */
export function compare(
  migrations: readonly Migration[],
  { hashes, state }: { readonly hashes: readonly string[]; readonly state: State },
): Comparison {
  // Migrations above the version were taken back by golang-migrate, which does not know of our table.
  const applied = new Map(
    state.applied.filter(({ version }) => version <= state.version).map((one) => [one.version, one]),
  );
  const newest = Math.max(0, ...applied.keys());
  const entries: Entry[] = [];
  const adopted: Applied[] = [];

  for (const [i, { version, name }] of migrations.entries()) {
    const hash = hashes[i] ?? "";
    const known = applied.get(version);
    let standing: Standing = "pending";
    if (state.isDirty && version === state.version) standing = "dirty";
    else if (known !== undefined) standing = known.hash === hash ? "applied" : "edited";
    else if (version < newest) standing = "late";
    else if (version <= state.version) {
      standing = "applied";
      adopted.push({ version, name, hash });
    }
    entries.push({ version, name, standing });
  }
  const versions = new Set(migrations.map(({ version }) => version));
  for (const { version, name } of applied.values()) {
    if (!versions.has(version)) entries.push({ version, name, standing: "missing" });
  }
  if (state.version > 0 && !versions.has(state.version) && !applied.has(state.version)) {
    entries.push({ version: state.version, name: "unknown", standing: "missing" });
  }
  entries.sort((a, b) => a.version - b.version);
  return { entries, adopted, refusal: refusalOf(entries, state) };
}

function refusalOf(entries: readonly Entry[], { version, isDirty }: State): ChatError | undefined {
  if (isDirty) {
    return migrationRefused(
      `The database is dirty at version ${version}: a migration stopped in the middle. See what it left, mend the ` +
        "schema by hand, then run `force` with the version that the schema is at",
    );
  }
  const advice: readonly (readonly [Standing, string])[] = [
    [
      "missing",
      "was applied to this database but is not among the migrations. Run the release that has it, or bring its files back",
    ],
    [
      "edited",
      "was edited after it was applied. Restore its content and put the change into a new migration; if the schema " +
        `is known to fit the edited text, run \`force ${version}\``,
    ],
    [
      "late",
      "comes before migrations that are applied already, so it would run out of order. Give it a number after " +
        `${version}; if the schema is known to have it, run \`force ${version}\``,
    ],
  ];
  for (const [standing, text] of advice) {
    const entry = entries.find((one) => one.standing === standing);
    if (entry !== undefined) return migrationRefused(`${labelOf(entry)} ${text}`);
  }
  return undefined;
}
