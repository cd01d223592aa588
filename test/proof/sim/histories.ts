import type { Random } from "../../../src/internal/random.ts";
import type { Engine, Row, Statement } from "../../../src/store/engine/engine.ts";
import { selectDevice, selectHead, updateEpoch } from "../../../src/store/sql.ts";
import type { Backup, SimDatabase, Truth } from "./database.ts";
import type { SimProcess } from "./process.ts";

const headed = new Set([selectHead, selectDevice]);

/** Behind each write, what its node had been told: up to where it knew each history. */
const marker = "SELECT ?1 AS known";

/** A time in which the database has gone back under its old name: `n`, to where. */
type Gap = { readonly epoch: string; readonly n: number; isUnclear: boolean };

export type Histories = ReturnType<typeof createHistories>;

/**
 * The histories that a world's database has had. Each restore begins a generation, and ends the one before it: whatever was accepted after the backup
 * is gone, by no fault of the chat. A generation has one name (the epoch), or two where it kept the old one for a while.
 */
export function createHistories({
  database,
  random,
  problem,
}: {
  readonly database: SimDatabase;
  readonly random: Random;
  readonly problem: (rule: string, text: string) => void;
}) {
  let generation = 0;
  /** The log at the end of each generation. */
  const ended: Truth[] = [];
  /** Which generations a name was of. */
  const names = new Map<string, Set<number>>([["simulation", new Set([0])]]);
  let restoredTo = 0;
  let gap: Gap | null = null;
  let isUnclear = false;
  let renamedByNodes = 0;
  /** What a process was told since it last opened the database: of a try that failed it keeps nothing. */
  const known = new WeakMap<SimProcess, Map<string, number>>();

  function name(epoch: string): void {
    const mine = names.get(epoch) ?? new Set<number>();
    names.set(epoch, mine.add(generation));
  }

  /** Whether a node has seen what this one no longer has. */
  const isAware = (process: SimProcess, { epoch, n }: { readonly epoch: string; readonly n: number }): boolean =>
    (known.get(process)?.get(epoch) ?? 0) > n;

  /** A write of a node has been carried out. */
  function wrote(told: Readonly<Record<string, number>>, head: { readonly epoch: string }, isNaming: boolean): void {
    if (isNaming && gap === null && !names.has(head.epoch))
      problem("D32", `a node named a history ${head.epoch} that had its name`);
    name(head.epoch);
    if (gap === null) return;
    if (head.epoch !== gap.epoch) {
      gap = null;
      renamedByNodes++;
      return;
    }
    if (isNaming || gap.isUnclear) return;
    isUnclear = gap.isUnclear = true;
    if ((told[gap.epoch] ?? 0) > gap.n)
      problem("D32", `a node that knew ${gap.epoch} up to ${told[gap.epoch]} wrote to it at ${gap.n}`);
  }

  return {
    /** How often the database was restored. */
    generation: (): number => generation,
    /** Up to where the log was restored. */
    restoredTo: (): number => restoredTo,
    /** The log of every generation, the last one's being that of now. */
    truths: (now: Truth): readonly Truth[] => [...ended, now],
    /** The generations to which something told under this name can belong, as of generation `upTo`. */
    of: (epoch: string, upTo: number): readonly number[] =>
      [...(names.get(epoch) ?? [])].filter((each) => each <= upTo),
    /** Every name that a history had. */
    names: (): Iterable<string> => names.keys(),
    /** Whether a name is one of the history of now. */
    isOfNow: (epoch: string | null): boolean => epoch !== null && (names.get(epoch)?.has(generation) ?? false),
    /** Whether a name is that of the history of now, and never was another one's. */
    isOnlyOfNow: (epoch: string | null): boolean =>
      epoch !== null && names.get(epoch)?.size === 1 && names.get(epoch)?.has(generation) === true,
    /**
     * Whether a node that could not know of it has written to a database that had gone back under its old name. Then nobody can tell its change numbers
     * from those of before, and cursors are taken for what they are not, until the history gets its name.
     */
    isUnclear: (): boolean => isUnclear,
    /** The database has gone back, and its history has no name of its own yet. */
    gap: (): Readonly<Gap> | null => gap,
    renamedByNodes: (): number => renamedByNodes,
    isAware,

    /** Puts a backup in the place of what is there. Resolves, before anything else happens, with the log as it then is. */
    async restore(backup: Backup, isNamed: boolean): Promise<Truth> {
      // Both at once: nothing comes between them.
      const ending = database.truth();
      const restoring = database.restore(backup, isNamed ? random.secret().slice(0, 11) : null);
      ended.push(await ending);
      await restoring;
      generation++;
      restoredTo = backup.n;
      const { epoch, n } = await database.head();
      name(epoch);
      gap = isNamed ? null : { epoch, n, isUnclear: false };
      return await database.truth();
    },

    /** An administrator gives the history its name. */
    async rename(): Promise<void> {
      gap = null;
      name(await database.rename(random));
    },

    /** What a node is told of the database goes through here. */
    hear(engine: Engine, process: SimProcess): Engine {
      const mine = new Map<string, number>();
      known.set(process, mine);
      function note(results: Row[][]): Row[][] {
        for (const rows of results)
          for (const { epoch, n } of rows)
            if (typeof epoch === "string" && typeof n === "number") mine.set(epoch, Math.max(mine.get(epoch) ?? 0, n));
        return results;
      }
      return {
        ...engine,
        async read(statements) {
          const results = await engine.read(statements);
          // Only what is asked for to know where the log is: a page over HTTP says it by the way, and is not remembered.
          note(results.filter((_, i) => headed.has(statements[i]?.sql ?? "")));
          return results;
        },
        async write(statements) {
          const told = { sql: marker, args: [JSON.stringify(Object.fromEntries(mine))] };
          const results = (await engine.write([...statements, told])).slice(0, -1);
          // A head alone is asked for while nothing is served.
          return statements.length > 1 ? note(results) : results;
        },
      };
    },

    /** What nodes do to the database goes through here, before anything goes wrong on the way back. */
    watch: (engine: Engine): Engine => ({
      ...engine,
      async write(all: readonly Statement[]) {
        const told = all.at(-1);
        if (told?.sql !== marker) return await engine.write(all);
        const statements = all.slice(0, -1);
        // Both at once: nothing comes between them.
        const writing = engine.write(statements);
        const looking = database.head();
        const results = await writing;
        const isNaming = statements.some(({ sql }) => sql === updateEpoch);
        // Looking at the head as a writer changes nothing.
        if (statements.every(({ sql }) => sql === selectHead)) return [...(await writing), []];
        wrote(JSON.parse(String(told.args?.[0])) as Record<string, number>, await looking, isNaming);
        return [...results, []];
      },
    }),
  };
}
