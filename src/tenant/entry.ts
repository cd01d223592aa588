import { ChatError } from "../error.ts";
import { type AttemptOptions, type Outcome, tryToOpen } from "./attempt.ts";
import type { Database } from "./database.ts";

type State =
  | { readonly type: "opening" }
  | Outcome
  | { readonly type: "closing"; readonly database: Database; readonly done: Promise<void> };

export type PlaceOptions = AttemptOptions & { readonly url: string };

/** How long a socket that was admitted is waited for. */
const upgradeMs = 10_000;

/** One database from its opening to its end, and who needs it: requests under way, sockets that are about to open, connections. */
export function createPlace({ url, ...options }: PlaceOptions) {
  const { attempt, clock } = options;
  let uses = 0;
  let usedAt = clock.elapsed();
  let openedAt = usedAt;
  /** Until when each socket that was admitted is waited for. */
  let awaited: number[] = [];

  const opening = tryToOpen(options).then((outcome): Outcome => {
    if (outcome.type === "open") {
      openedAt = clock.elapsed();
      place.state = outcome;
      return outcome;
    }
    // Whoever asks for a tenant is not told what the host's database says.
    const error = new ChatError("unavailable", "The tenant's database cannot be opened now", { cause: outcome.error });
    const told = { ...outcome, error };
    place.state = told;
    return told;
  });

  /** Whether a request is under way, or a socket about to open. */
  function isInUse(): boolean {
    if (awaited.length > 0) awaited = awaited.filter((until) => until > clock.elapsed());
    return uses > 0 || awaited.length > 0;
  }

  /** Since when it has had nothing to do, whether or not somebody is connected. */
  const quietSince = (database: Database): number => Math.max(openedAt, usedAt, clock.elapsed() - database.quietMs());

  function touch(): void {
    usedAt = clock.elapsed();
  }

  const place = {
    url,
    /** How many tries to open it failed before this one. */
    attempt,
    state: { type: "opening" } as State,
    /** Another database is to be opened in its stead, once it is closed. */
    isReserved: false,
    /** Resolves once it is open, or cannot be opened. */
    settled: opening.then(() => {}),
    /** The database, once it is open; until `release()` it is needed. */
    async hold(): Promise<Database> {
      uses++;
      const outcome = await opening;
      if (outcome.type === "open") return outcome.database;
      uses--;
      throw outcome.error;
    },
    release(): void {
      uses--;
      touch();
    },
    /** A socket was admitted. */
    awaitSocket: (): void => void awaited.push(clock.elapsed() + upgradeMs),
    /** And is open. */
    socketCame: (): void => void awaited.shift(),
    /** It was used just now. */
    touch,
    usedAt: (): number => usedAt,
    /** Whether it is open, and nobody has needed it for so long. */
    isIdleFor: (ms: number): boolean =>
      place.state.type === "open" && !isInUse() && place.state.database.isEmpty() && clock.elapsed() - usedAt >= ms,
    /** Whether it is open, and for so long neither was anything asked of it nor did anybody who is connected do anything. */
    isQuietFor: (ms: number): boolean =>
      place.state.type === "open" && !isInUse() && clock.elapsed() - quietSince(place.state.database) >= ms,
    quietSince: (): number => (place.state.type === "open" ? quietSince(place.state.database) : clock.elapsed()),
  };
  return place;
}

export type Place = ReturnType<typeof createPlace>;
