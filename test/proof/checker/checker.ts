/**
 * Judges the clients' observations of a chat, in Jepsen's classes. It does not know how the log came to be: the simulator, the
 * kill loop and the multi-node tests all use it.
 */

/** A message as any client saw it. */
export type Sighting = {
  readonly conversation: string;
  readonly seq: number;
  readonly id: string;
  readonly from: string;
  readonly text: string;
};

/** One line of the log, in the order in which it happened (the order counts per sender, and per reader). */
export type Event =
  /** A sender tries a message for the first time. Sends of one `lane` keep their order. */
  | {
      readonly type: "attempt";
      readonly lane: string;
      readonly from: string;
      readonly id: string;
      readonly text: string;
    }
  /** It may have been refused, and the refusal lost: its order in its lane does not count (O4). */
  | { readonly type: "refusable"; readonly from: string; readonly id: string }
  | {
      readonly type: "accepted";
      readonly from: string;
      readonly id: string;
      readonly conversation: string;
      readonly seq: number;
    }
  /** A reader opens a connection: unacked messages may come again on it. */
  | { readonly type: "connect"; readonly reader: string }
  | ({ readonly type: "seen"; readonly reader: string } & Sighting)
  /** At the end, after all faults: everything that a fresh device of this user reads from the beginning. */
  | { readonly type: "history"; readonly user: string; readonly messages: readonly Sighting[] }
  /** At the end: this reader had all the time it needs, so it must have seen its user's whole history. */
  | { readonly type: "drained"; readonly reader: string; readonly user: string };

export type FaultClass = "lost" | "duplicate" | "unexpected" | "out of order" | "non-monotonic" | "inconsistent seq";

export type Fault = { readonly class: FaultClass; readonly text: string };

const placeOf = ({ conversation, seq }: { conversation: string; seq: number }): string => `${conversation} ${seq}`;
const nameOf = ({ from, id }: { from: string; id: string }): string => `${from} ${id}`;

/** Returns all faults; an empty list means that the log keeps D1, O1, O2, O3 and O4. */
export function judge(events: readonly Event[]): readonly Fault[] {
  const faults: Fault[] = [];
  const fault = (kind: FaultClass, text: string): void => void faults.push({ class: kind, text });
  const attempts = new Map<string, { text: string; lane: string; rank: number }>();
  const refusable = new Set<string>();
  const histories = new Map<string, readonly Sighting[]>();
  /** The message at each seq, and the seq of each message, over all sightings at any time. */
  const atPlace = new Map<string, string>();
  const placeFor = new Map<string, string>();

  events.forEach((event, rank) => {
    if (event.type === "attempt" && !attempts.has(nameOf(event))) attempts.set(nameOf(event), { ...event, rank });
    if (event.type === "refusable") refusable.add(nameOf(event));
    if (event.type === "history") histories.set(event.user, event.messages);
  });

  function place(found: { conversation: string; seq: number; from: string; id: string }, where: string): void {
    const name = nameOf(found);
    const at = placeOf(found);
    const known = atPlace.get(at);
    if (known !== undefined && known !== name) fault("inconsistent seq", `${at} is ${known}, then ${name} ${where}`);
    atPlace.set(at, name);
    const before = placeFor.get(name);
    if (before !== undefined && before !== at)
      fault("inconsistent seq", `${name} is at ${before}, then at ${at} ${where}`);
    placeFor.set(name, at);
  }

  function content(found: Sighting, where: string): void {
    const attempt = attempts.get(nameOf(found));
    if (attempt === undefined) fault("unexpected", `${nameOf(found)} at ${placeOf(found)} ${where} was never sent`);
    else if (attempt.text !== found.text)
      fault("unexpected", `${nameOf(found)} ${where} has another text than was sent`);
  }

  function checkHistory(user: string, messages: readonly Sighting[]): void {
    const where = `in the history of ${user}`;
    const seen = new Set<string>();
    const last = new Map<string, number>();
    const ranks = new Map<string, number>();
    for (const message of messages) {
      const name = nameOf(message);
      content(message, where);
      if (seen.has(name)) fault("duplicate", `${name} is there twice ${where}`);
      seen.add(name);
      place(message, where);
      const { conversation, seq } = message;
      const wanted = (last.get(conversation) ?? 0) + 1;
      if (seq !== wanted) fault("inconsistent seq", `${conversation} has ${seq} where ${wanted} is due ${where}`);
      last.set(conversation, seq);
      const attempt = attempts.get(name);
      if (attempt === undefined || refusable.has(name)) continue;
      const lane = `${attempt.lane} ${conversation}`;
      if (attempt.rank < (ranks.get(lane) ?? -1))
        fault("out of order", `${name} at ${seq} was sent before its predecessor ${where}`);
      ranks.set(lane, attempt.rank);
    }
  }

  /** Sightings of one reader: each connection continues in order, and none of its messages comes twice on it. */
  const lastOf = new Map<string, Map<string, number>>();
  const seenBy = new Map<string, Set<string>>();
  function checkSeen(reader: string, message: Sighting): void {
    const where = `as seen by ${reader}`;
    content(message, where);
    place(message, where);
    const last = lastOf.get(reader) ?? new Map<string, number>();
    lastOf.set(reader, last);
    const { conversation, seq } = message;
    const before = last.get(conversation);
    if (before !== undefined && seq === before)
      fault("duplicate", `${placeOf(message)} came twice on one connection ${where}`);
    if (before !== undefined && seq < before)
      fault("non-monotonic", `${conversation} went from ${before} back to ${seq} ${where}`);
    last.set(conversation, Math.max(seq, before ?? 0));
    const seen = seenBy.get(reader) ?? new Set<string>();
    seenBy.set(reader, seen);
    // Over all its connections a reader has no hole below a message that it sees: its cursor covered everything that it stored.
    const all = seen.size;
    seen.add(placeOf(message));
    if (seen.size > all && seq > 1 && !seen.has(`${conversation} ${seq - 1}`))
      fault("lost", `${conversation} ${seq - 1} was left out before ${seq} ${where}`);
  }

  for (const event of events) {
    switch (event.type) {
      case "refusable":
      case "attempt":
        break;
      case "accepted":
        place(event, `as accepted for ${event.from}`);
        break;
      case "connect":
        lastOf.delete(event.reader);
        break;
      case "seen":
        checkSeen(event.reader, event);
        break;
      case "history":
        checkHistory(event.user, event.messages);
        break;
      case "drained":
        for (const message of histories.get(event.user) ?? [])
          if (!seenBy.get(event.reader)?.has(placeOf(message)))
            fault("lost", `${placeOf(message)} was never seen by ${event.reader}`);
        break;
    }
  }

  const stored = new Set<string>();
  for (const [user, messages] of histories)
    for (const message of messages) stored.add(`${user} ${placeOf(message)} ${nameOf(message)}`);
  for (const event of events) {
    if (event.type !== "accepted") continue;
    // The sender's history must have it; where that was not read, any history.
    const readers = histories.has(event.from) ? [event.from] : [...histories.keys()];
    const isThere = readers.some((user) => stored.has(`${user} ${placeOf(event)} ${nameOf(event)}`));
    if (readers.length > 0 && !isThere)
      fault("lost", `${nameOf(event)} was accepted at ${placeOf(event)} and is not in the history`);
  }
  return faults;
}

/** Which classes of fault there are, each once. */
export const classesOf = (faults: readonly Fault[]): FaultClass[] =>
  [...new Set(faults.map((fault) => fault.class))].sort();

/** The faults as a text for people: how many of each class, and the first few of them. */
export function describeFaults(faults: readonly Fault[]): string {
  const counts = new Map<FaultClass, number>();
  for (const { class: kind } of faults) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  const summary = Array.from(counts, ([kind, count]) => `${count} ${kind}`).join(", ");
  const shown = faults.slice(0, 12).map(({ class: kind, text }) => `  ${kind}: ${text}`);
  return [summary, ...shown].join("\n");
}
