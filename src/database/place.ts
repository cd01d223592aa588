import { ChatError } from "../error.ts";
import type { Clock } from "../internal/clock.ts";
import type { Database } from "./database.ts";

type State =
  | { readonly type: "opening" }
  | { readonly type: "open"; readonly database: Database }
  | { readonly type: "closing"; readonly database: Database; readonly done: Promise<void> }
  | { readonly type: "failed"; readonly error: ChatError; readonly until: number };

export type PlaceOptions = {
  readonly url: string;
  readonly open: () => Promise<Database>;
  readonly clock: Clock;
  /** How long it is left alone where it cannot be opened. */
  readonly pauseMs: number;
};

/** How long a socket that was admitted is waited for. */
const upgradeMs = 10_000;

/** One database from its opening to its end, and who needs it: requests under way, sockets that are about to open, connections. */
export function createPlace({ url, open, clock, pauseMs }: PlaceOptions) {
  let uses = 0;
  let usedAt = clock.elapsed();
  let openedAt = usedAt;
  /** Until when each socket that was admitted is waited for. */
  let awaited: number[] = [];

  const opening = open().then(
    (database) => {
      place.state = { type: "open", database };
      openedAt = clock.elapsed();
      return database;
    },
    (cause: unknown) => {
      const error = new ChatError("unavailable", "The tenant's database cannot be opened now", { cause });
      place.state = { type: "failed", error, until: clock.elapsed() + pauseMs };
      throw error;
    },
  );

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
    state: { type: "opening" } as State,
    /** Another database is to be opened in its stead, once it is closed. */
    hasHeir: false,
    /** Resolves once it is open, or cannot be opened. */
    settled: opening.then(
      () => {},
      () => {},
    ),
    /** The database, once it is open; until `release()` it is needed. */
    async hold(): Promise<Database> {
      uses++;
      try {
        return await opening;
      } catch (error) {
        uses--;
        throw error;
      }
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
