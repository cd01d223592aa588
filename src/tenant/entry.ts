import { ChatError } from "../error.ts";
import { type AttemptOptions, type Outcome, tryToOpen } from "./attempt.ts";
import type { Database } from "./database.ts";

type State =
  | { readonly type: "opening" }
  | Outcome
  | {
      readonly type: "closing";
      readonly database: Database;
      readonly done: Promise<void>;
      /** Its part of `databasesMax` goes to another database once it is closed. */
      isReserved: boolean;
    };

export type EntryOptions = AttemptOptions & { readonly url: string };

/** One database from its opening to its end, and its users: requests under way, sockets that are about to open, connections. */
export type Entry = {
  readonly url: string;
  /** How many tries to open it failed before this one. */
  readonly attempt: number;
  state: State;
  /** Resolves once it is open, or cannot be opened. */
  readonly settled: Promise<unknown>;
  /** The database, once it is open; it stays open until `release()`. */
  hold(): Promise<Database>;
  release(): void;
  /** A socket was admitted: it is expected to open. */
  awaitSocket(): void;
  /** The socket is open. */
  socketCame(): void;
  /** It was used just now. */
  touch(): void;
  usedAt(): number;
  /** Whether it is open, without connections, and was not used for this long. */
  isIdleFor(ms: number): boolean;
  /** Whether it is open, and for this long there was neither a request nor a frame of a connected client. */
  isQuietFor(ms: number): boolean;
  quietSince(): number;
};

/** How long an admitted socket may take to open. */
const upgradeMs = 10_000;

export function createEntry({ url, ...options }: EntryOptions): Entry {
  const { attempt, clock } = options;
  let uses = 0;
  let usedAt = clock.elapsed();
  let openedAt = usedAt;
  /** For each admitted socket, until when it is expected. */
  let awaited: number[] = [];

  const opening = tryToOpen(options).then((outcome): Outcome => {
    if (outcome.type === "open") {
      openedAt = clock.elapsed();
      entry.state = outcome;
      return outcome;
    }
    // Clients must not see what the host's database says.
    const error = new ChatError("unavailable", "The tenant's database cannot be opened now", { cause: outcome.error });
    const shown = { ...outcome, error };
    entry.state = shown;
    return shown;
  });

  /** Whether a request is under way, or a socket about to open. */
  function isInUse(): boolean {
    if (awaited.length > 0) awaited = awaited.filter((until) => until > clock.elapsed());
    return uses > 0 || awaited.length > 0;
  }

  const quietSince = (database: Database): number => Math.max(openedAt, usedAt, clock.elapsed() - database.quietMs());

  function touch(): void {
    usedAt = clock.elapsed();
  }

  const entry: Entry = {
    url,
    attempt,
    state: { type: "opening" },
    settled: opening,
    async hold() {
      uses++;
      const outcome = await opening;
      if (outcome.type === "open") return outcome.database;
      uses--;
      throw outcome.error;
    },
    release() {
      uses--;
      touch();
    },
    awaitSocket: () => void awaited.push(clock.elapsed() + upgradeMs),
    socketCame: () => void awaited.shift(),
    touch,
    usedAt: () => usedAt,
    isIdleFor: (ms) =>
      entry.state.type === "open" && !isInUse() && entry.state.database.isEmpty() && clock.elapsed() - usedAt >= ms,
    isQuietFor: (ms) =>
      entry.state.type === "open" && !isInUse() && clock.elapsed() - quietSince(entry.state.database) >= ms,
    quietSince: () => (entry.state.type === "open" ? quietSince(entry.state.database) : clock.elapsed()),
  };
  return entry;
}
