import type { Random } from "../../../src/internal/random.ts";
import type { Engine, Row, Statement } from "../../../src/store/engine/engine.ts";
import { selectDevice } from "../../../src/store/device-position-sql.ts";
import { selectHead, updateEpoch } from "../../../src/store/sql.ts";
import type { Backup, SimDatabase, Truth } from "./database.ts";
import type { SimProcess } from "./process.ts";

const headed = new Set([selectHead, selectDevice]);

/** A marker behind each write: the positions up to which its node knew each history. */
const marker = "SELECT ?1 AS known";

/** A span in which the database has gone back under its old name. `n`: the position that it went back to. */
type Gap = { readonly epoch: string; readonly n: number; isUnclear: boolean };

export type Histories = ReturnType<typeof createHistories>;

/**
 * The histories of a world's database. Each restore starts a generation and ends the previous one: messages accepted after the backup
 * are gone, which is not the chat's fault. A generation has one name (the epoch), or two where it kept the old one for a while.
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
  /** The generations of each name. */
  const names = new Map<string, Set<number>>([["simulation", new Set([0])]]);
  let restoredTo = 0;
  let gap: Gap | null = null;
  let isUnclear = false;
  let renamedByNodes = 0;
  /** The positions that a process has read since it last opened the database; a failed try keeps nothing. */
  const known = new WeakMap<SimProcess, Map<string, number>>();

  function name(epoch: string): void {
    const mine = names.get(epoch) ?? new Set<number>();
    names.set(epoch, mine.add(generation));
  }

  /** Whether a node has seen entries that the database no longer has. */
  const isAware = (process: SimProcess, { epoch, n }: { readonly epoch: string; readonly n: number }): boolean =>
    (known.get(process)?.get(epoch) ?? 0) > n;

  /** A write of a node was carried out. */
  function wrote(known: Readonly<Record<string, number>>, head: { readonly epoch: string }, isNaming: boolean): void {
    if (isNaming && gap === null && !names.has(head.epoch))
      problem("D32", `a node renamed the history ${head.epoch}, which had a name`);
    name(head.epoch);
    if (gap === null) return;
    if (head.epoch !== gap.epoch) {
      gap = null;
      renamedByNodes++;
      return;
    }
    if (isNaming || gap.isUnclear) return;
    isUnclear = gap.isUnclear = true;
    if ((known[gap.epoch] ?? 0) > gap.n)
      problem("D32", `a node that knew ${gap.epoch} up to ${known[gap.epoch]} wrote to it at ${gap.n}`);
  }

  return {
    /** How often the database was restored. */
    generation: (): number => generation,
    /** The position that the log was restored to. */
    restoredTo: (): number => restoredTo,
    /** The log of every generation; the last one is the current one. */
    truths: (now: Truth): readonly Truth[] => [...ended, now],
    /** The generations that something received under this name can belong to, up to generation `upTo`. */
    of: (epoch: string, upTo: number): readonly number[] =>
      [...(names.get(epoch) ?? [])].filter((each) => each <= upTo),
    /** Every name that a history had. */
    names: (): Iterable<string> => names.keys(),
    /** Whether a name belongs to the current history. */
    isOfNow: (epoch: string | null): boolean => epoch !== null && (names.get(epoch)?.has(generation) ?? false),
    /** Whether a name belongs to the current history, and never belonged to another one. */
    isOnlyOfNow: (epoch: string | null): boolean =>
      epoch !== null && names.get(epoch)?.size === 1 && names.get(epoch)?.has(generation) === true,
    /**
     * Whether a node that could not know it has written to a database that had gone back under its old name. Its change numbers then look
     * like those of the previous history, and cursors are misread until the history gets its name.
     */
    isUnclear: (): boolean => isUnclear,
    /** The database has gone back, and its history has no name of its own yet. */
    gap: (): Readonly<Gap> | null => gap,
    renamedByNodes: (): number => renamedByNodes,
    isAware,

    /** Replaces the database by a backup. Resolves with its log before anything else happens. */
    async restore(backup: Backup, isNamed: boolean): Promise<Truth> {
      // Both at once, so that nothing comes between them.
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

    /** Observes a node's reads, and notes the positions that it learns. */
    watchReads(engine: Engine, process: SimProcess): Engine {
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
          // Only statements that ask for the head count: a page over HTTP has it too, but the node does not remember that one.
          note(results.filter((_, i) => headed.has(statements[i]?.sql ?? "")));
          return results;
        },
        async write(statements) {
          const mark = { sql: marker, args: [JSON.stringify(Object.fromEntries(mine))] };
          const results = (await engine.write([...statements, mark])).slice(0, -1);
          // A node asks for the head alone only while it serves nothing.
          return statements.length > 1 ? note(results) : results;
        },
      };
    },

    /** Observes the nodes' writes, before faults are added on the way back. */
    watchWrites: (engine: Engine): Engine => ({
      ...engine,
      async write(all: readonly Statement[]) {
        const mark = all.at(-1);
        if (mark?.sql !== marker) return await engine.write(all);
        const statements = all.slice(0, -1);
        // Both at once, so that nothing comes between them.
        const writing = engine.write(statements);
        const looking = database.head();
        const results = await writing;
        const isNaming = statements.some(({ sql }) => sql === updateEpoch);
        // Reading the head as a writer changes nothing.
        if (statements.every(({ sql }) => sql === selectHead)) return [...(await writing), []];
        wrote(JSON.parse(String(mark.args?.[0])) as Record<string, number>, await looking, isNaming);
        return [...results, []];
      },
    }),
  };
}
