import { ChatError } from "../error.ts";
import type { Clock } from "../internal/clock.ts";
import type { Random } from "../internal/random.ts";
import type { Limits } from "../protocol/limits.ts";
import type { Engine } from "./engine/engine.ts";
import { createConversationReader } from "./conversation-reader.ts";
import { createDeviceStore } from "./device-store.ts";
import { createHistoryReader } from "./history-reader.ts";
import { createPeopleReader } from "./people-reader.ts";
import { createPushStore } from "./push-store.ts";
import { createReader } from "./reader.ts";
import { createRevocationStore } from "./revocation-store.ts";
import type { Commit, Store } from "./store.ts";
import { createTicketStore } from "./ticket-store.ts";
import { createWriter } from "./writer.ts";

export type StoreOptions = {
  readonly engine: Engine;
  readonly clock: Clock;
  readonly random: Random;
  readonly limits: Limits;
  /** Told of each call that the database failed. */
  readonly onFault: (fault: unknown) => void;
};

/** The store on libSQL: an embedded file or a remote server, as the engine is. */
export function createStore({ engine, clock, random, limits, onFault }: StoreOptions): Store {
  const listeners: ((commit: Commit) => void)[] = [];
  const onCommit = (commit: Commit): void => {
    for (const listener of listeners) listener(commit);
  };
  const writer = createWriter({ engine, clock, random, limits, onCommit, onFault });
  const reader = createReader({ engine, limits });
  const people = createPeopleReader({ engine });
  const tickets = createTicketStore({ engine });
  const readHistory = createHistoryReader({ engine, limits });
  const readConversations = createConversationReader({ engine, limits });
  let isReadable = true;

  async function guarded<T>(read: () => Promise<T>): Promise<T> {
    try {
      const result = await read();
      isReadable = true;
      return result;
    } catch (cause) {
      isReadable = false;
      onFault(cause);
      throw new ChatError("unavailable", "The store could not be read", { cause });
    }
  }

  const guardedEngine: Pick<Engine, "read" | "write"> = {
    read: (statements) => guarded(() => engine.read(statements)),
    write: (statements) => guarded(() => engine.write(statements)),
  };

  const revocations = createRevocationStore({ engine: guardedEngine });

  return {
    devices: createDeviceStore({ engine: guardedEngine, limits }),
    push: createPushStore({ engine: guardedEngine, limits }),
    append: writer.append,
    ack: writer.ack,
    read: writer.read,
    async openDevice(identity, device) {
      const known = await guarded(() => reader.device(identity, device));
      if (known) return known;
      await writer.createDevice(identity, device);
      const made = await guarded(() => reader.device(identity, device));
      if (made) return made;
      throw new ChatError("internal", "A device that was stored cannot be found");
    },
    changes: (identity, after, bound) => guarded(() => reader.changes(identity, after, bound)),
    async history(identity, query) {
      const page = await guarded(() => readHistory(identity, query));
      if (page !== "no device") return page;
      await writer.createDevice(identity, query.undelivered ?? "");
      const again = await guarded(() => readHistory(identity, query));
      if (again !== "no device") return again;
      throw new ChatError("internal", "A device that was stored cannot be found");
    },
    conversations: (identity, options) => guarded(() => readConversations(identity, options)),
    async relate(identity, said) {
      const isMore = said.some(({ contact, blocked }) => contact || blocked);
      if (isMore) {
        const others = [...new Set(said.map(({ other }) => other))];
        const count = await guarded(() => people.relationCount(identity, others));
        if (count > limits.relationsMax)
          throw new ChatError("too_large", `A user has at most ${limits.relationsMax} contacts and blocks`);
      }
      await writer.relate(identity, said);
    },
    ties: (identity, others) => guarded(() => people.ties(identity, others)),
    people: (identity, options) => guarded(() => people.people(identity, options)),
    isContact: (identity, other) => guarded(() => people.isContact(identity, other)),
    seen: writer.seen,
    lastSeen: (tenant, users) => guarded(() => people.lastSeen(tenant, users)),
    addTicket: (session, ticket) =>
      guarded(() => tickets.add(session, { ...ticket, perUserMax: limits.ticketsPerUserMax })),
    useTicket: (hash, now) => guarded(() => tickets.use(hash, now)),
    async revoke(identity, options) {
      const commit = await revocations.revoke(identity, options);
      onCommit(commit);
    },
    log: (after, limit) => guarded(() => reader.log(after, limit)),
    head: () => guarded(() => reader.head()),
    members: (tenant, conversation) => guarded(() => reader.members(tenant, conversation)),
    direct: (tenant, one, other) => guarded(() => reader.direct(tenant, one, other)),
    onCommit(listener) {
      listeners.push(listener);
    },
    settled: writer.settled,
    drained: writer.drained,
    isAvailable: () => isReadable && writer.isAvailable(),
    async close() {
      await writer.close();
      await engine.close();
    },
  };
}
