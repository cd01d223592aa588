import fc from "fast-check";
import { type Entry, idOf, type Question } from "./history-model.ts";

export const users = ["alice", "bob", "carol", "dave"] as const;
export const devices = ["d1", "d2"] as const;
/** Few, so that users share them. */
const idsMax = 12;
const deedsMin = 15;
const deedsMax = 60;
const questionsEach = 25;

/** An act of one user. */
export type Deed =
  | { readonly what: "send"; readonly from: number; readonly to: number; readonly id: number; readonly waitMs: number }
  | { readonly what: "ack"; readonly user: number; readonly device: number; readonly limit: number }
  | { readonly what: "read"; readonly user: number; readonly other: number; readonly seq: number };

const person = fc.nat({ max: users.length - 1 });
/** Mostly two of them talk, so that their conversation is long. */
const pair = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom([0, 1] as const, [1, 0] as const) },
  fc.tuple(person, person),
);

const send: fc.Arbitrary<Deed> = fc
  .tuple(pair, fc.oneof(fc.nat({ max: idsMax }), fc.integer({ min: 100, max: 1e6 })), fc.nat({ max: 5 }))
  .map(([[from, to], id, waitMs]) => ({ what: "send", from, to, id, waitMs }));

const deed: fc.Arbitrary<Deed> = fc.oneof(
  { weight: 10, arbitrary: send },
  fc.record({
    what: fc.constant("ack"),
    user: person,
    device: fc.nat({ max: 1 }),
    limit: fc.integer({ min: 1, max: 9 }),
  }),
  fc.record({ what: fc.constant("read"), user: person, other: person, seq: fc.nat({ max: 30 }) }),
);

const seq = fc.integer({ min: 1, max: 30 });

/** Most questions have few selectors, so that each selector is often the only one. */
const rarely = <T>(tenths: number, value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.oneof({ weight: tenths, arbitrary: value }, { weight: 10 - tenths, arbitrary: fc.constant(undefined) });

const question = fc
  .record({
    asker: person,
    other: person,
    seq,
    device: rarely(3, fc.constantFrom(...devices, "new")),
    place: rarely(7, fc.constantFrom("with", "conversation")),
    way: rarely(6, fc.constantFrom("before", "after", "around")),
    ids: rarely(2, fc.array(fc.nat({ max: idsMax }), { minLength: 1, maxLength: 6 })),
    from: rarely(2, person),
    since: rarely(1, fc.nat({ max: 80 })),
    until: rarely(1, fc.nat({ max: 80 })),
    undelivered: rarely(2, fc.constant(true as const)),
    limit: rarely(8, fc.oneof(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 200 }))),
  })
  .map(({ asker, ...drawn }) => ({ asker: users[asker] ?? "alice", drawn }));

type DrawnSelectors = Parameters<Parameters<typeof question.map>[0]>[0]["drawn"];

type DrawnQuestion = { readonly asker: string; readonly drawn: DrawnSelectors };

/** A drawn question without contradictions, as a client can ask it. */
export function questionOf(
  drawn: DrawnSelectors,
  entries: readonly Entry[],
  conversationOf: (other: string) => string | null,
): Question {
  const { device, place, way, ids, from, since, until, undelivered, limit } = drawn;
  const other = users[drawn.other] ?? "bob";
  const conversation = place === "conversation" ? conversationOf(other) : null;
  const isPlaced = place === "with" || conversation !== null;
  // The times of messages themselves show whether a bound is included.
  const timeOf = (k: number | undefined) => (k === undefined ? undefined : entries[k % entries.length]?.time);
  const begun = timeOf(since);
  const ended = until === undefined ? undefined : Math.max(begun ?? 0, timeOf(until) ?? 0);
  return {
    ...(device !== undefined && { device }),
    ...(place === "with" && { with: other }),
    ...(conversation !== null && { conversation }),
    ...(isPlaced && way !== undefined && ids === undefined && { [way]: way === "after" ? drawn.seq - 1 : drawn.seq }),
    ...(ids !== undefined && { ids: [...new Set(ids.map(idOf))] }),
    ...(from !== undefined && { from: users[from] ?? "bob" }),
    ...(begun !== undefined && { since: begun }),
    ...(ended !== undefined && { until: ended }),
    ...(undelivered && { undelivered }),
    ...(limit !== undefined && { limit }),
  };
}

export type Drawn = { readonly deeds: readonly Deed[]; readonly questions: readonly DrawnQuestion[] };

/** A history and the questions about it, drawn from its number. */
export function drawHistory(number: number): Drawn {
  const both = fc.record({
    deeds: fc.array(deed, { minLength: deedsMin, maxLength: deedsMax }),
    questions: fc.array(question, { minLength: questionsEach, maxLength: questionsEach }),
  });
  return fc.sample(both, { seed: number, numRuns: 1 })[0] ?? { deeds: [], questions: [] };
}
