import { type AssembledStretch, createAssembly } from "./assembly.ts";
import { audienceOf, type Audiences, createAudiences, groupAudience, userSubject, wholeSubject } from "./audience.ts";
import { isOfGroup } from "./group-changes.ts";
import { parseRows, parseText } from "./notice-text.ts";
import type { Transport } from "../bus/transport.ts";
import { type Clock, systemClock } from "../internal/clock.ts";
import { isForAllNodes } from "../log/log-kinds.ts";
import { identityKey, type LogEntry } from "../model.ts";
import { defaultLimits } from "../protocol/limits.ts";
import type { Commit } from "../store/store.ts";

/** A commit that a node made, or a stretch of one: with its entries or without. */
export type CommitNotice = AssembledStretch & {
  /** The history that the commit belongs to. */
  readonly epoch: string;
};

/** Notices of commits between the nodes on one database. One may come late, twice, out of order or never. */
export type CommitNotices = {
  /** Receives the notices of this history from now on, and of no other one. `position`: every entry up to there is known already. */
  follow(epoch: string, position?: () => number): void;
  /** Receives nothing any more. */
  stop(): void;
  /** Sends a notice to all other nodes. Returns at once and never throws. */
  announce(notice: CommitNotice): void;
  /** Calls `listener` with each notice of another node. */
  onNotice(listener: (notice: CommitNotice) => void): void;
  /** Calls `listener` when another node announced an entry of a kind that this release does not know. */
  onUnknown(listener: (kind: string) => void): void;
  /** Calls `listener` when notices may have been missed. */
  onGap(listener: () => void): void;
  /** The users whose entries this node needs: of a divided commit it gets no others. */
  readonly audiences: Pick<Audiences, "add" | "remove" | "addAll">;
  /** Commits are divided while this is true: their entries go only to the nodes that need them. Default: never. */
  divideWhile(isDivided: () => boolean): void;
};

const subjectOf = (epoch: string): readonly string[] => ["commits", epoch];

export type CommitNoticesOptions = {
  /** The longest text. */
  readonly charsMax?: number;
  readonly clock?: Pick<Clock, "defer" | "after">;
};

/**
 * CommitNotices over a transport, in texts of at most `charsMax`. About one such text is written in a turn of the event loop, however large the
 * commit is. Entries from the transport are trusted like those of the store, so strangers must not be able to write to it. Other texts are ignored.
 */
export function createCommitNotices(transport: Transport, options: CommitNoticesOptions = {}): CommitNotices {
  const { charsMax = defaultLimits.hintCharsMax, clock = systemClock } = options;
  const listeners: ((notice: CommitNotice) => void)[] = [];
  const unknownListeners: ((kind: string) => void)[] = [];
  /** Notices with texts that are not published yet, in the order of the commits. */
  const waiting: Iterator<BusText, void, void>[] = [];
  let end = (): void => {};
  let followed = { epoch: "", position: (): number => 0 };
  let isDivided = (): boolean => false;
  const audiences = createAudiences({
    transport,
    onRows: (text) => receiveRows(text),
    onWhole: (text) => receive(text),
  });
  const assembly = createAssembly({
    ...{ clock, audiences, position: () => followed.position() },
    onStretch: (stretch) => pass({ ...stretch, epoch: followed.epoch }),
  });

  function publishWaiting(): void {
    for (let chars = 0; ;) {
      const [first] = waiting;
      if (!first) return;
      const next = first.next();
      if (next.done === true) {
        waiting.shift();
        continue;
      }
      const { subject, text } = next.value;
      transport.publish(subject, text);
      chars += text.length;
      if (chars > charsMax / 2) return clock.defer(publishWaiting);
    }
  }

  function pass(notice: CommitNotice): void {
    for (const listener of listeners) listener(notice);
  }

  function report(kind: string): void {
    for (const listener of unknownListeners) listener(kind);
  }

  function receive(text: string): void {
    const parsed = parseText(text);
    if (parsed === null) return;
    if ("unknown" in parsed) report(parsed.unknown);
    else if ("audiences" in parsed) assembly.addNotice(parsed);
    else pass({ ...parsed, epoch: followed.epoch });
  }

  function receiveRows(text: string): void {
    const parsed = parseRows(text);
    if (parsed === null) return;
    if ("unknown" in parsed) report(parsed.unknown);
    else assembly.addRows(parsed);
  }

  function stop(): void {
    end();
    audiences.stop();
    assembly.stop();
  }

  return {
    follow(epoch, position = () => 0) {
      stop();
      followed = { epoch, position };
      end = transport.subscribe(subjectOf(epoch), receive);
      audiences.follow(epoch);
    },
    stop,
    announce(notice) {
      waiting.push(textsOf(notice, { charsMax, isDivided: isDivided() }));
      if (waiting.length === 1) publishWaiting();
    },
    onNotice: (listener) => void listeners.push(listener),
    onUnknown: (listener) => void unknownListeners.push(listener),
    onGap: (listener) => transport.onGap(listener),
    audiences,
    divideWhile: (condition) => void (isDivided = condition),
  };
}

/** A text on the bus. */
type BusText = { readonly subject: readonly string[]; readonly text: string };

/** An entry, and the text of it. */
type WrittenRow = { readonly entry: LogEntry; readonly text: string };

/** A part of a commit, with its rows; without, where they are too long: the other nodes read them from the store. */
type Stretch = { readonly from: number; readonly to: number; readonly rows: readonly WrittenRow[] | null };

function* textsOf(
  notice: CommitNotice,
  { charsMax, isDivided }: { readonly charsMax: number; readonly isDivided: boolean },
): Iterator<BusText, void, void> {
  const { epoch } = notice;
  for (const stretch of stretchesOf(notice, charsMax)) {
    const { from, to, rows } = stretch;
    if (rows === null) yield { subject: subjectOf(epoch), text: JSON.stringify({ from, to }) };
    else if (isDivided && rows.length > 0) yield* dividedTexts(epoch, { from, to, rows });
    else yield { subject: subjectOf(epoch), text: wholeText(stretch) };
  }
}

const wholeText = ({ from, to, rows }: Stretch): string =>
  `{"from":${from},"to":${to},"entries":[${(rows ?? []).map(({ text }) => text).join()}]}`;

/** A user's rows of a stretch: for several users where their audiences have the same name. */
type Part = { readonly subjects: Map<string, readonly string[]>; readonly rows: Set<string> };

/**
 * The texts of a divided stretch: the rows of each user for the nodes that the user is on, all rows for the nodes that need all, and at last, when the rows are on their
 * way, the notice for all nodes. A node of an older release reads the log where the notice has no entries.
 */
function* dividedTexts(epoch: string, stretch: Stretch): Iterable<BusText> {
  const { from, to, rows } = stretch;
  const parts = new Map<string, Part>();
  const forAll: string[] = [];
  const kinds = new Set<string>();
  for (const [place, { entry, text }] of (rows ?? []).entries()) {
    const row = `[${place},${text}]`;
    kinds.add(entry.change.kind);
    const { tenant, users, group } = entry;
    if (isForAllNodes(entry)) forAll.push(row);
    else {
      for (const user of users) addRow(parts, { tenant, user }, { epoch, row });
      if (group !== undefined) addRow(parts, groupAudience(tenant, group), { epoch, row });
    }
  }
  for (const [audience, { subjects, rows: own }] of parts) {
    const text = `{"from":${from},"to":${to},"for":"${audience}","rows":[${[...own].join()}]}`;
    for (const subject of subjects.values()) yield { subject, text };
  }
  yield { subject: wholeSubject(epoch), text: wholeText(stretch) };
  const names = [...parts.keys()].join("");
  const text = `{"from":${from},"to":${to},"kinds":${JSON.stringify([...kinds])},"for":"${names}","all":[${forAll.join()}]}`;
  yield { subject: subjectOf(epoch), text };
}

type AddedRow = { readonly epoch: string; readonly row: string };

function addRow(
  parts: Map<string, Part>,
  identity: { readonly tenant: string; readonly user: string },
  { epoch, row }: AddedRow,
): void {
  const audience = audienceOf(identity);
  let part = parts.get(audience);
  if (!part) {
    part = { subjects: new Map(), rows: new Set() };
    parts.set(audience, part);
  }
  part.rows.add(row);
  const key = identityKey(identity);
  if (!part.subjects.has(key)) part.subjects.set(key, userSubject(epoch, identity));
}

/**
 * The stretches of a notice: one, or several where its text would be too long, unless it is a change of a group. Where the entries at one n are too long, they
 * are left out.
 */
function* stretchesOf({ from, to, entries }: CommitNotice, charsMax: number): Iterable<Stretch> {
  if (entries === undefined) {
    yield { from, to, rows: null };
    return;
  }
  const lowest = lowestFromHere(entries);
  const isWhole = isOfGroup(entries);
  let [start, upTo, chars] = [from, from, 0];
  let rows: WrittenRow[] = [];
  const stretchUpTo = (end: number): Stretch => {
    const stretch = { from: start, to: end, rows: chars <= charsMax ? rows : null };
    [start, rows, chars] = [end, [], 0];
    return stretch;
  };
  for (const [i, entry] of entries.entries()) {
    const text = JSON.stringify(entry);
    // Only where every entry that follows has a higher n than every entry before.
    if (!isWhole && chars + text.length + 1 > charsMax && rows.length > 0 && (lowest[i] ?? 0) > upTo)
      yield stretchUpTo(upTo);
    rows.push({ entry, text });
    chars += text.length + 1;
    upTo = Math.max(upTo, entry.change.n);
  }
  yield stretchUpTo(to);
}

/** For each entry the lowest n of it and all after it. */
function lowestFromHere(entries: Commit["entries"]): readonly number[] {
  let lowest = Infinity;
  return entries
    .map((_, i) => (lowest = Math.min(lowest, entries[entries.length - 1 - i]?.change.n ?? Infinity)))
    .reverse();
}
