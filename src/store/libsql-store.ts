import { ChatError } from "../error.ts";
import type { Clock } from "../internal/clock.ts";
import type { Random } from "../internal/random.ts";
import type { Identity, LogEntry } from "../model.ts";
import type { Cursors } from "../protocol/cursor.ts";
import type { Limits } from "../protocol/limits.ts";
import type { Engine } from "./engine/engine.ts";
import { createConversationReader } from "./read/conversation-reader.ts";
import { createStoreHealth } from "./health.ts";
import { createDeviceStore } from "./push/device-store.ts";
import { createHistoryReader } from "./read/history-reader.ts";
import { createGroupStore } from "./group/create-group-store.ts";
import { createLogPlaces } from "./log-place.ts";
import { createPeopleReader } from "./read/people-reader.ts";
import { createPushStore } from "./push/push-store.ts";
import { createReader } from "./read/reader.ts";
import { tooManyRelations } from "./write/relation-queue.ts";
import { createRevocationStore } from "./revocation-store.ts";
import type { Commit, Store, Trouble } from "./store.ts";
import { createTicketStore } from "./ticket-store.ts";
import { createOneHistory, type HistoryChange, type KnownHistories } from "./one-history.ts";
import { createWriter } from "./write/writer.ts";

export type StoreOptions = {
  readonly engine: Engine;
  readonly clock: Clock;
  readonly random: Random;
  readonly limits: Limits;
  /** Called with each fault of the database. */
  readonly onFault: (fault: unknown) => void;
  /** Called once the database has another history: this store is over then, and every call of it fails. */
  readonly onHistoryChange?: (change: HistoryChange) => void;
  /** The heads that were seen of this database before. */
  readonly known?: KnownHistories | undefined;
};

/** A new device may be forgotten before it is read, where others of its user are created at the same time. */
const madeTimesMax = 4;
const forgottenAtOnce = (): ChatError =>
  new ChatError("unavailable", "More devices of this user connect at once than one user may have");

/** The store on libSQL, an embedded file or a remote server as the engine is, for as long as the database has one history. */
export function createStore(options: StoreOptions): Store {
  const { engine: whole, clock, random, limits, known, onFault, onHistoryChange } = options;
  const history = createOneHistory({ engine: whole, random, known, onChange: (change) => onHistoryChange?.(change) });
  const { engine } = history;
  const listeners: ((commit: Commit) => void)[] = [];
  const onCommit = (commit: Commit): void => {
    for (const listener of listeners) listener(commit);
  };
  const health = createStoreHealth({ engine, history, onFault, onDamage: (cause) => writer.halt(cause) });
  const { guarded } = health;
  const writer = createWriter({ engine, history, clock, random, limits, onCommit, onFault: health.noteFault });
  const { append, ack, ackList, read, seen, settled, drained, abandon } = writer;
  const reader = createReader({ engine, history, limits });
  const people = createPeopleReader({ engine });
  const tickets = createTicketStore({ engine });
  const readHistory = createHistoryReader({ engine, history, limits, onDevice: noteSeen });
  const conversationReader = createConversationReader({
    engine: { read: (statements) => guarded(() => engine.read(statements)) },
    limits,
    clock,
  });

  /** It needs no commit of its own: an ack that moves nothing goes with the next acks. */
  function noteSeen(identity: Identity, device: string, seen: number): void {
    if (clock.now() - seen >= limits.deviceSeenEveryMs) writer.ack(identity, device, 0);
  }

  const trouble = (): Trouble | null => health.trouble() ?? (writer.isAvailable() ? null : "commits");

  const guardedEngine: Pick<Engine, "read" | "write"> = {
    read: (statements) => guarded(() => engine.read(statements)),
    write: (statements) => guarded(() => engine.write(statements)),
  };

  const revocations = createRevocationStore({ engine: guardedEngine });
  const onEntry = (entry: LogEntry): void =>
    onCommit({ from: entry.change.n - 1, to: entry.change.n, entries: [entry] });
  const devices = createDeviceStore({ ...{ engine: guardedEngine, limits, clock }, onEntry });

  const groups = createGroupStore({
    ...{ engine: guardedEngine, history, random, limits, conversationReader },
    onCommit,
  });

  return {
    cursors: lateCursors(history.cursors),
    devices,
    groups,
    push: createPushStore({ engine: guardedEngine, limits, clock }),
    ...{ append, ack, ackList, read, seen, settled, drained, abandon },
    async openDevice(identity, device, { after, level } = {}) {
      for (let i = 0; i < madeTimesMax; i++) {
        const known = await guarded(() => reader.device(identity, device));
        if (known) {
          noteSeen(identity, device, known.seen);
          return known;
        }
        await writer.createDevice(identity, device, { after, level });
      }
      throw forgottenAtOnce();
    },
    changes: (identity, after, bound) => guarded(() => reader.changes(identity, after, bound)),
    async history(identity, query) {
      for (let i = 0; i < madeTimesMax; i++) {
        const page = await guarded(() => readHistory(identity, query));
        if (page !== "no device") return page;
        await writer.createDevice(identity, query.undelivered ?? "");
      }
      throw forgottenAtOnce();
    },
    conversations: conversationReader.page,
    conversation: conversationReader.one,
    async relate(identity, changes) {
      const others = new Set(changes.flatMap(({ other, contact, blocked }) => (contact || blocked ? [other] : [])));
      if (others.size === 0) return writer.relate(identity, changes, { present: 0 });
      // A user who is over the limit already is refused here, because a commit would create all users that the call names.
      const most = limits.relationsMax;
      const { present, missing } = await guarded(() => people.countRelations(identity, { others: [...others], most }));
      if (missing > 0 && present + missing > most) throw tooManyRelations(most);
      await writer.relate(identity, changes, { present });
    },
    relationships: (identity, others) => guarded(() => people.relationships(identity, others)),
    people: (identity, options) => guarded(() => people.people(identity, options)),
    isContact: (identity, other) => guarded(() => people.isContact(identity, other)),
    lastSeen: (tenant, users) => guarded(() => people.lastSeen(tenant, users)),
    addTicket: (session, ticket) =>
      guarded(() => tickets.add(session, { ...ticket, perUserMax: limits.ticketsPerUserMax })),
    useTicket: (hash, now) => guarded(() => tickets.use(hash, now)),
    revocations: revocations.recent,
    async revoke(identity, options) {
      const commit = await revocations.revoke(identity, options);
      onCommit(commit);
    },
    async forgetDevice(identity, device, time) {
      onCommit(
        await revocations.revoke(identity, { device, reason: "the device was forgotten", time, keepsTickets: true }),
      );
      await writer.flushAck(identity, device);
      await devices.deleteDevice(identity, device, { isForgotten: true });
    },
    log: (after, limit) => guarded(() => reader.log(after, limit)),
    messages: (after, limit) => guarded(() => reader.messages(after, limit)),
    places: createLogPlaces({ engine: guardedEngine }),
    head: health.head,
    messageAt: (conversation, seq) => guarded(() => reader.messageAt(conversation, seq)),
    members: (tenant, conversation) => guarded(() => reader.members(tenant, conversation)),
    direct: (tenant, one, other) => guarded(() => reader.direct(tenant, one, other)),
    onCommit(listener) {
      listeners.push(listener);
    },
    isAvailable: () => trouble() === null,
    trouble,
    isCurrent: history.isCurrent,
    cannotRead: history.stop,
    async close() {
      await writer.close();
      await engine.close();
    },
  };
}

/** Cursors that are asked for with each call: they are known once a head was read. */
const lateCursors = (cursors: () => Cursors): Cursors => ({
  encode: (position) => cursors().encode(position),
  decode: (text) => cursors().decode(text),
  history: () => cursors().history(),
  seal: (text) => cursors().seal(text),
  unseal: (text) => cursors().unseal(text),
});
