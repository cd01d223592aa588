import { type Case, Failure, type Result, Skip } from "./case.ts";

export type RunOptions<World> = {
  /** Makes the world of one case, and ends it. */
  readonly withWorld: (one: Case<World>, use: (world: World) => Promise<void>) => Promise<void>;
  /** How many cases go on at the same time. */
  readonly parallel: number;
  readonly onResult?: (result: Result) => void;
  /** Once it is aborted no further case begins. */
  readonly signal?: AbortSignal;
};

/** Runs the cases, and resolves with a result for each, in their order. */
export async function runCases<World>(
  cases: readonly Case<World>[],
  { withWorld, parallel, onResult, signal }: RunOptions<World>,
): Promise<readonly Result[]> {
  const results = new Map<string, Result>();
  const waiting = cases.values();
  const work = async (): Promise<void> => {
    for (const one of waiting) {
      if (signal?.aborted === true) return;
      const result = await runCase(one, withWorld);
      results.set(one.id, result);
      onResult?.(result);
    }
  };
  await Promise.all(Array.from({ length: parallel }, work));
  return cases.flatMap(({ id }) => results.get(id) ?? []);
}

async function runCase<World>(one: Case<World>, withWorld: RunOptions<World>["withWorld"]): Promise<Result> {
  const start = performance.now();
  const head = { id: one.id, title: one.title, section: one.section };
  const end = (rest: Pick<Result, "outcome" | "detail">): Result => ({
    ...head,
    ...rest,
    ms: Math.round(performance.now() - start),
  });
  try {
    await withWorld(one, (world) => one.run(world));
    return end({ outcome: "passed" });
  } catch (fault) {
    if (fault instanceof Skip) return end({ outcome: "skipped", detail: fault.message });
    if (fault instanceof Failure) return end({ outcome: "failed", detail: fault.message });
    return end({
      outcome: "failed",
      detail: fault instanceof Error ? `${fault.name}: ${fault.message}` : String(fault),
    });
  }
}

/** The cases that `only` names, with commas between them; all of them without it. Null: it names one that does not exist. */
export function selectCases<World>(
  cases: readonly Case<World>[],
  only: string | undefined,
): readonly Case<World>[] | null {
  if (only === undefined) return cases;
  const names = only.split(",").map((name) => name.trim().toUpperCase());
  return names.every((name) => cases.some(({ id }) => id === name))
    ? cases.filter(({ id }) => names.includes(id))
    : null;
}
