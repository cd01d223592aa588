import type { Log } from "../internal/logger.ts";
import { ChatError } from "../error.ts";
import { readTenantTicket, tenantTicket } from "../access/ticket.ts";
import { nextTurn } from "../hub/in-turns.ts";
import type { Clock } from "../internal/clock.ts";
import { createSemaphore } from "../internal/semaphore.ts";
import { waitAtMost } from "../internal/deadline.ts";
import type { Random } from "../internal/random.ts";
import type { Limits } from "../protocol/limits.ts";
import { redactUrl } from "../store/engine/redact-url.ts";
import type { Database } from "./database.ts";
import type { Databases } from "./databases.ts";
import { createDirectory, type DatabaseOf, type Named } from "./directory.ts";
import { createPlace, type Place } from "./entry.ts";

export type PerTenantOptions<N extends Named> = {
  readonly databaseOf: DatabaseOf<N>;
  /** Opens what the host named; `onLeave` wants to know of each connection that has gone. */
  readonly open: (named: N, onLeave: () => void) => Promise<Database>;
  readonly clock: Clock;
  readonly random: Pick<Random, "integer">;
  readonly limits: Limits;
  readonly log: Log;
};

/** How long the host is not asked again about a tenant with whom it failed. */
const pauseMs = 1_000;
/** A database that could not be opened is forgotten so long after it could have been tried again. */
const failedKeptMs = 60_000;
/** Idle databases are looked for this often. */
const beatMs = 5_000;
/** How long a database may take to say whether notifications or hooks wait in it, before another one gives way. */
const answerMs = 1_000;
/** So many are asked that at a time. */
const askedAtOnce = 8;
/** How long one that gives way with its connections may take to close: another tenant waits for it. */
const giveWayMs = 2_000;

const isFile = ({ url }: Named): boolean => url.startsWith("file:");
const shuttingDown = () => new ChatError("unavailable", "The chat is shutting down");

/**
 * A database for each tenant, opened on demand. At most `databasesMax` are open, those that are opening or closing among them: beyond it
 * whichever was idle longest gives way, then whichever was quiet longest: its connections are closed with 1012, and come back to it. One that
 * is idle for `databaseIdleMs` is closed. Tenants whose databases have the same URL share
 * one. No database is opened before it has been closed to its end, and what fails with one is told to those alone who want that one.
 */
export function createPerTenant<N extends Named>(options: PerTenantOptions<N>): Databases {
  const { databaseOf, open, clock, random, limits, log } = options;
  const places = new Map<string, Place>();
  const enter = createSemaphore(1);
  const directory = createDirectory({ databaseOf, clock, answerMs: limits.hostAnswerMs, pauseMs, log });
  /** Tenants that were given a ticket here which may still be good, and until when. */
  const issued = new Map<string, number>();
  /** Places that are opening, open or closing. */
  let taken = 0;
  let isStopped = false;
  let cancelBeat = clock.after(beatMs, beat);

  function beat(): void {
    const now = clock.elapsed();
    // In the order of their ends.
    for (const [tenant, until] of issued) {
      if (until > now) break;
      issued.delete(tenant);
    }
    directory.sweep();
    for (const place of places.values()) {
      // It remembers for a while how often it failed.
      if (place.state.type === "failed" && place.state.until + failedKeptMs <= now) drop(place);
      if (place.isIdleFor(limits.databaseIdleMs)) void shutUnlessWorking(place);
    }
    if (!isStopped) cancelBeat = clock.after(beatMs, beat);
  }

  async function shutUnlessWorking(place: Place): Promise<void> {
    const usedAt = place.usedAt();
    if (await isWorking(place)) return;
    if (place.isIdleFor(limits.databaseIdleMs) && place.usedAt() === usedAt && !isStopped) void shut(place);
  }

  /** Where it cannot be known, there may be some. */
  async function isWorking({ state }: Place): Promise<boolean> {
    if (state.type !== "open") return false;
    let answer = true;
    const asked = state.database.isWorking().then((isSo) => void (answer = isSo));
    await waitAtMost(asked, { clock, ms: answerMs }).catch(() => {});
    return answer;
  }

  function drop(place: Place): void {
    directory.forget(place);
    if (places.get(place.url) === place) places.delete(place.url);
  }

  /** Closes a place; its part of `databasesMax` is free then, or goes to the heir. */
  function shut(place: Place, closingMs: number = limits.shutdownMs, reason?: string): Promise<void> {
    if (place.state.type !== "open") return Promise.resolve();
    const { database } = place.state;
    const close = async (): Promise<void> => {
      try {
        await database.close(closingMs, reason);
        await database.released;
      } catch (error) {
        log.error("a database did not close as it should", { database: redactUrl(place.url), error });
      }
      drop(place);
      if (!place.isReserved) taken--;
    };
    const done = close();
    place.state = { type: "closing", database, done };
    return done;
  }

  /** Others need its part of `databasesMax`. */
  function giveWay(place: Place): void {
    if (!place.isIdleFor(0))
      log.warn("a database was closed with its idle connections, for another one: databasesMax is small", {
        database: redactUrl(place.url),
      });
    void shut(place, Math.min(giveWayMs, limits.shutdownMs), "others need the room: come back");
  }

  /** Files are opened one after the other: that holds the event loop, and a hundred at once would hold it for a hundred times as long. */
  const inOrder = (named: N, work: () => Promise<Database>): Promise<Database> =>
    isFile(named) ? enter(() => nextTurn(clock).then(work)) : work();

  /** Takes a part of `databasesMax`, where need be that of whichever was idle, or quiet, longest. */
  async function makeRoom(): Promise<void> {
    for (;;) {
      if (isStopped) throw shuttingDown();
      if (taken < limits.databasesMax) return void taken++;
      const leaving = [...places.values()].find(({ state, isReserved }) => state.type === "closing" && !isReserved);
      const place = leaving ?? (await longestIdle()) ?? (await longestQuiet());
      if (taken < limits.databasesMax) continue;
      if (!place)
        throw new ChatError("unavailable", `${limits.databasesMax} databases are open, and all of them are in use`);
      if (mayGiveWay(place)) giveWay(place);
      if (place.state.type !== "closing" || place.isReserved) continue;
      place.isReserved = true;
      await place.state.done;
      return;
    }
  }

  const isIdle = (place: Place): boolean => place.isIdleFor(0);
  const isQuiet = (place: Place): boolean => place.isQuietFor(limits.databaseStayMs);
  const mayGiveWay = (place: Place): boolean => isIdle(place) || isQuiet(place);

  const longestIdle = (): Promise<Place | undefined> =>
    firstOf([...places.values()].filter(isIdle).toSorted((one, other) => one.usedAt() - other.usedAt()));

  const longestQuiet = (): Promise<Place | undefined> =>
    firstOf([...places.values()].filter(isQuiet).toSorted((one, other) => one.quietSince() - other.quietSince()));

  /** Those come first from which nobody is to be notified; but that somebody is must not keep other tenants out. */
  async function firstOf(candidates: readonly Place[]): Promise<Place | undefined> {
    for (let i = 0; i < candidates.length; i += askedAtOnce) {
      const some = candidates.slice(i, i + askedAtOnce);
      const areWorking = await Promise.all(some.map(isWorking));
      const found = some.find((place, j) => areWorking[j] === false && mayGiveWay(place));
      if (found) return found;
    }
    return candidates.find(mayGiveWay);
  }

  /** `attempt`: how many tries to open it failed just before. */
  function begin(named: N, attempt: number): Place {
    async function openIn(): Promise<Database> {
      await makeRoom();
      try {
        if (isStopped) throw shuttingDown();
        return await inOrder(named, () => open(named, () => place.touch()));
      } catch (error) {
        taken--;
        throw error;
      }
    }
    const place = createPlace({
      ...{ url: named.url, attempt, clock, random, open: openIn },
      log: log.with({ database: redactUrl(named.url) }),
    });
    places.set(named.url, place);
    return place;
  }

  /** `attempt`: how many tries to open it failed just before, where it is begun. */
  async function placeOf(tenant: string, attempt: number): Promise<Place> {
    const named = await directory.name(tenant);
    return places.get(named.url) ?? begin(named, attempt);
  }

  /** The tenant's database, once it is open, and where it is held. What is closing is opened again. */
  async function hold(tenant: string): Promise<{ readonly place: Place; readonly database: Database }> {
    for (let attempt = 0; ;) {
      if (isStopped) throw shuttingDown();
      const known = directory.find(tenant);
      // What closes is asked for again: the host may have moved the tenant.
      const place = known && known.state.type !== "closing" ? known : await placeOf(tenant, attempt);
      if (place.state.type === "closing") await place.state.done;
      else if (place.state.type !== "failed") {
        directory.note(tenant, place);
        return { place, database: await place.hold() };
      } else if (clock.elapsed() < place.state.until) throw place.state.error;
      else {
        attempt = place.attempt + 1;
        drop(place);
      }
    }
  }

  async function lease(tenant: string) {
    const { place, database } = await hold(tenant);
    return { database, release: place.release };
  }

  /**
   * A stranger may name any tenant in a ticket: that must neither make a database nor tell which tenants there are. A file belongs to one
   * process, so that whoever has a ticket of it got it here.
   */
  async function mayHaveIssued(tenant: string): Promise<boolean> {
    const named = await directory.look(tenant);
    return named !== null && !isFile(named);
  }

  async function useTicket(ticket: string) {
    const read = await readTenantTicket(ticket);
    if (read === null) return null;
    const { tenant, hash } = read;
    const isHere = directory.find(tenant)?.state.type === "open" || (issued.get(tenant) ?? 0) > clock.elapsed();
    if (!isHere && !(await mayHaveIssued(tenant))) return null;
    const held = await lease(tenant).catch((error: unknown) => {
      if (isHere) throw error;
      return null;
    });
    if (held === null) return null;
    try {
      const session = await held.database.store.useTicket(hash, clock.now());
      return session?.tenant === tenant ? session : null;
    } finally {
      held.release();
    }
  }

  return {
    ready: () => Promise.resolve(),
    isOpen: () => Promise.resolve(true),
    trouble: () => null,
    lease,
    async admit(tenant) {
      const { place, database } = await hold(tenant);
      place.awaitSocket();
      place.release();
      return database;
    },
    connect(tenant) {
      const place = directory.find(tenant);
      // In a shutdown the hub itself tells the socket of it.
      if (place?.state.type === "open" || place?.state.type === "closing") {
        place.socketCame();
        return place.state.database;
      }
      throw new ChatError("unavailable", "The tenant's database was closed before the socket was open");
    },
    ticketOf(secret, tenant) {
      issued.delete(tenant);
      issued.set(tenant, clock.elapsed() + limits.ticketMs);
      return tenantTicket(secret, tenant);
    },
    useTicket,
    async close(deadlineMs) {
      isStopped = true;
      cancelBeat();
      const closings = Array.from(places.values(), async (place) => {
        await place.settled;
        await (place.state.type === "closing" ? place.state.done : shut(place));
      });
      await waitAtMost(Promise.all(closings), { clock, ms: deadlineMs });
    },
    counts() {
      const total = { applied: 0, read: 0 };
      for (const { state } of places.values()) {
        if (state.type !== "open") continue;
        const { applied, read } = state.database.counts();
        total.applied += applied;
        total.read += read;
      }
      return total;
    },
    sizes() {
      const sizes: Record<string, number> = { databases: taken, ...directory.sizes() };
      for (const { state } of places.values()) {
        if (state.type !== "open") continue;
        for (const [name, size] of Object.entries(state.database.sizes())) sizes[name] = (sizes[name] ?? 0) + size;
      }
      return sizes;
    },
  };
}
