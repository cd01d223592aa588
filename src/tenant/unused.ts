import type { Clock } from "../internal/clock.ts";
import { waitAtMost } from "../internal/deadline.ts";
import type { Limits } from "../protocol/limits.ts";
import type { Entry } from "./entry.ts";

type Bounds = Pick<Limits, "databaseStayMs">;

/** How long a database may take to say whether it has work to do, before it counts as working. */
const answerMs = 1_000;
/** Databases that are asked at a time. */
const askedAtOnce = 8;

/** Whether notifications or hooks wait in a database; where that cannot be known, they may. */
export async function isWorking({ state }: Entry, clock: Clock): Promise<boolean> {
  if (state.type !== "open") return false;
  let answer = true;
  const asked = state.database.isWorking().then((isSo) => void (answer = isSo));
  await waitAtMost(asked, { clock, ms: answerMs }).catch(() => {});
  return answer;
}

const isIdle = (entry: Entry): boolean => entry.isIdleFor(0);
const isQuiet = (entry: Entry, limits: Bounds): boolean => entry.isQuietFor(limits.databaseStayMs);

/** Whether a database may be closed for another one: it is idle, or its connections are quiet. */
export const mayGiveWay = (entry: Entry, limits: Bounds): boolean => isIdle(entry) || isQuiet(entry, limits);

/** The database that may give way: the one that was idle longest, else the one that was quiet longest. */
export async function longestUnused(
  entries: ReadonlyMap<string, Entry>,
  { clock, limits }: { readonly clock: Clock; readonly limits: Bounds },
): Promise<Entry | undefined> {
  /** Databases without work come first; but work must not keep other tenants out. */
  async function firstOf(candidates: readonly Entry[]): Promise<Entry | undefined> {
    for (let i = 0; i < candidates.length; i += askedAtOnce) {
      const some = candidates.slice(i, i + askedAtOnce);
      const areWorking = await Promise.all(some.map((entry) => isWorking(entry, clock)));
      const found = some.find((entry, j) => areWorking[j] === false && mayGiveWay(entry, limits));
      if (found) return found;
    }
    return candidates.find((entry) => mayGiveWay(entry, limits));
  }

  const longestIdle = (): Promise<Entry | undefined> =>
    firstOf([...entries.values()].filter(isIdle).toSorted((one, other) => one.usedAt() - other.usedAt()));
  const longestQuiet = (): Promise<Entry | undefined> =>
    firstOf(
      [...entries.values()]
        .filter((entry) => isQuiet(entry, limits))
        .toSorted((one, other) => one.quietSince() - other.quietSince()),
    );
  return (await longestIdle()) ?? (await longestQuiet());
}
