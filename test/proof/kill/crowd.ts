import { randomUUID } from "node:crypto";
import type { Event } from "../checker/checker.ts";
import { readHistory } from "../checker/read-history.ts";
import type { Chance } from "../sim/chance.ts";
import { type Client, type Closed, connect, type Frame } from "../../support/client.ts";
import { deadline } from "../../support/deadline.ts";

/** The most unanswered sends of one user. */
const windowSends = 24;

type Sent = { readonly id: string; readonly text: string };
type Place = { readonly conversation: string; readonly seq: number };

/** One user: a device that sends under load, and one that only reads. Both survive crashes of the server. */
type Person = {
  readonly user: string;
  readonly peer: string;
  /** Sent and not answered, in the order of the first tries. */
  waiting: Sent[];
  /** Some of the accepted messages with their seqs, to be sent again. */
  readonly accepted: (Sent & Place)[];
  /** Ids of the messages that the reader has. */
  readonly seen: Set<string>;
  sender: Client | null;
  /** The reader's last stored cursor. */
  cursor: string | null;
  /** The cursor of the user's very first welcome: the beginning. */
  beginning: string | null;
  reader: Client | null;
  count: number;
};

export type CrowdOptions = {
  readonly pairs: number;
  readonly chance: Chance;
  /** Takes each event when it happens: an attempt before its frame is sent, everything else once its frame was read. */
  readonly log: (event: Event) => void;
};

export type Crowd = ReturnType<typeof createCrowd>;

/** Pairs of users that write to each other as fast as they are answered, and reconnect after any crash. */
export function createCrowd({ pairs, chance, log }: CrowdOptions) {
  const complaints: string[] = [];
  const facts = { accepted: 0, retries: 0, conflicts: 0 };
  let isSending = true;
  const people = Array.from({ length: pairs }, (_, i) => [
    createPerson(`alice${i}`, `bob${i}`),
    createPerson(`bob${i}`, `alice${i}`),
  ]).flat();

  function fill(person: Person): void {
    const { sender, user, peer, waiting } = person;
    while (sender?.isOpen() === true && isSending && waiting.length < windowSends) {
      const padding = chance.hits(0.01) ? chance.between(1_000, 12_000) : chance.between(0, 200);
      send(person, `${user} to ${peer} ${person.count++} ${"x".repeat(padding)}`);
    }
  }

  function send(person: Person, text: string): string {
    const next = { id: randomUUID(), text };
    person.waiting.push(next);
    log({ type: "attempt", lane: person.user, from: person.user, ...next });
    person.sender?.post({ to: person.peer }, next.text, next.id);
    return next.id;
  }

  /** O1: sends an accepted message again, and once with another text under its id. Returns the permitted answers to each. */
  function retry(person: Person, sender: Client): ReadonlyMap<string, readonly ("same" | "conflict")[]> {
    const due = new Map<string, ("same" | "conflict")[]>();
    for (let i = 0; i < 2 && person.accepted.length > 0; i++) {
      const { id, text } = chance.pick(person.accepted);
      const kind = i === 0 ? "same" : "conflict";
      due.set(id, [...(due.get(id) ?? []), kind]);
      sender.post({ to: person.peer }, kind === "same" ? text : `${text}, changed`, id);
    }
    return due;
  }

  /** Resends the unanswered messages in order, then goes on. The strict client checks all other frames. */
  async function enterSender(person: Person, url: string): Promise<void> {
    const { user, peer } = person;
    const sender = await connect(url, { user, device: "sender" });
    person.sender = sender;
    sender.forget();
    const due = new Map(Array.from(retry(person, sender), ([id, kinds]) => [id, [...kinds]]));
    sender.tap((frame) => {
      if (frame.type !== "accepted" && frame.type !== "rejected") return;
      const retried = due.get(frame.id)?.shift();
      if (retried !== undefined) return settleRetry(person, frame, retried);
      if (frame.type === "rejected") {
        // A server that shuts down may answer "later"; nothing else may answer a first try.
        if (frame.code !== "unavailable") complaints.push(`a send was rejected: ${JSON.stringify(frame)}`);
        return;
      }
      settle(person, frame);
      fill(person);
    });
    for (const { id, text } of person.waiting) sender.post({ to: peer }, text, id);
    fill(person);
  }

  function settle(person: Person, { id, conversation, seq }: Frame & { type: "accepted" }): void {
    log({ type: "accepted", from: person.user, id, conversation, seq });
    facts.accepted++;
    const at = person.waiting.findIndex((one) => one.id === id);
    if (at < 0) return;
    const [{ text } = { text: "" }] = person.waiting.splice(at, 1);
    if (person.accepted.length < 64) person.accepted.push({ id, text, conversation, seq });
    else if (chance.hits(0.05)) person.accepted[chance.between(0, 63)] = { id, text, conversation, seq };
  }

  function settleRetry(person: Person, frame: Frame & { type: "accepted" | "rejected" }, kind: "same" | "conflict") {
    if (frame.type === "rejected" && frame.code === "unavailable") return;
    if (kind === "same") facts.retries++;
    else facts.conflicts++;
    const first = person.accepted.find(({ id }) => id === frame.id);
    const isRight =
      kind === "conflict"
        ? frame.type === "rejected" && frame.code === "conflict"
        : frame.type === "accepted" &&
          frame.duplicate &&
          (first === undefined || (frame.seq === first.seq && frame.conversation === first.conversation));
    if (!isRight)
      complaints.push(`a retry of ${frame.id} (${kind}, first ${first?.seq}) was answered ${JSON.stringify(frame)}`);
  }

  /** Stores each message together with its cursor, and acks and marks as read now and then. */
  async function enterReader(person: Person, url: string): Promise<void> {
    const { user, cursor } = person;
    const reader = await connect(url, { user, device: "reader", ...(cursor === null ? {} : { cursor }) });
    const name = `${user}/reader`;
    person.reader = reader;
    person.beginning ??= reader.welcome.cursor;
    log({ type: "connect", reader: name });
    const take = (frame: Frame): void => {
      if (frame.type !== "changes") return;
      for (const change of frame.changes) {
        if (change.kind !== "message") continue;
        const { conversation, seq, id, from, text } = change;
        log({ type: "seen", reader: name, conversation, seq, id, from, text });
        person.seen.add(id);
      }
      person.cursor = frame.cursor;
      if (chance.hits(0.2) && reader.isOpen()) reader.ack(frame.cursor);
      const last = frame.changes.at(-1);
      if (last?.kind === "message" && chance.hits(0.1) && reader.isOpen()) reader.read(last.conversation, last.seq);
    };
    for (const frame of reader.frames) take(frame);
    reader.tap(take);
    reader.forget();
  }

  const enter = async (person: Person, url: string): Promise<void> => {
    await Promise.all([enterReader(person, url), enterSender(person, url)]);
  };

  async function logHistory(url: string, { user, beginning }: Person): Promise<void> {
    if (beginning === null) throw new Error(`${user} was never welcomed`);
    log(await readHistory(await connect(url, { user, device: "fresh", cursor: beginning })));
  }

  const connections = (): Client[] => people.flatMap(({ sender, reader }) => [sender, reader].filter((one) => !!one));

  return {
    users: people.map(({ user }) => user),
    /** Faults that a log of sightings cannot show. */
    complaints,
    facts,

    /** All users connect (again), if the server lives. */
    async enter(url: string): Promise<void> {
      await Promise.allSettled(people.map((person) => enter(person, url)));
    },

    /** The open connections; each resolves with its close. */
    open: (): Promise<Closed>[] =>
      connections()
        .filter((client) => client.isOpen())
        .map(({ closed }) => closed),

    /** Waits until every connection has ended. */
    async left(): Promise<void> {
      await Promise.all(connections().map(({ closed }) => closed));
    },

    /** All users reconnect, resend their unanswered messages and receive everything; then fresh devices read the history. */
    async settle(url: string): Promise<void> {
      isSending = false;
      for (const client of connections()) client.terminate();
      await Promise.all(people.map((person) => enter(person, url)));
      for (const { sender } of people)
        await sender?.when(() => sender.unanswered().length === 0, deadline.bulkMs, "the answers to all sends");
      // The readers wait for these last messages: nothing comes after them.
      for (const person of people) {
        const id = send(person, `the end of ${person.user}`);
        const peer = people.find(({ user }) => user === person.peer);
        for (const one of [person, peer])
          await one?.reader?.when(() => one.seen.has(id), deadline.bulkMs, `the end of ${person.user}`);
      }
      await Promise.all(people.map((person) => logHistory(url, person)));
      for (const { user } of people) log({ type: "drained", reader: `${user}/reader`, user });
    },
  };
}

const createPerson = (user: string, peer: string): Person => ({
  ...{ user, peer, waiting: [], accepted: [], seen: new Set(), sender: null, reader: null, cursor: null },
  ...{ beginning: null, count: 0 },
});
