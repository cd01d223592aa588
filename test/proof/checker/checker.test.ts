import { describe, expect, test } from "bun:test";
import { classesOf, type Event, type FaultClass, judge, type Sighting } from "./checker.ts";

/** Negative controls of the checker: each class planted into a log that is otherwise sound. */
describe("the checker", () => {
  const sighting = (seq: number, fields: Partial<Sighting> = {}): Sighting => ({
    ...{ conversation: "c1", seq, id: `id${seq}`, from: "alice", text: `text ${seq}` },
    ...fields,
  });
  const attempt = (seq: number): Event => ({
    type: "attempt",
    lane: "alice",
    from: "alice",
    id: `id${seq}`,
    text: `text ${seq}`,
  });
  const accepted = (seq: number, id = `id${seq}`): Event => ({
    type: "accepted",
    from: "alice",
    id,
    conversation: "c1",
    seq,
  });
  const seen = (seq: number, fields: Partial<Sighting> = {}): Event => ({
    type: "seen",
    reader: "bob/d1",
    ...sighting(seq, fields),
  });
  const connected: Event = { type: "connect", reader: "bob/d1" };
  const drained: Event = { type: "drained", reader: "bob/d1", user: "bob" };
  const histories = (...messages: Sighting[]): Event[] => [
    { type: "history", user: "alice", messages },
    { type: "history", user: "bob", messages },
  ];
  const attempts = [1, 2, 3].map(attempt);
  const all = [1, 2, 3].map((seq) => sighting(seq));

  test("D1 O2 O4 finds nothing in a sound log", () => {
    const events = [
      ...attempts,
      accepted(1),
      connected,
      seen(1),
      accepted(2),
      accepted(2),
      seen(2),
      connected,
      seen(2),
      seen(3),
    ];
    expect(judge([...events, ...histories(...all), drained])).toEqual([]);
    // An unanswered message may be there or not.
    expect(judge([...attempts, accepted(1), ...histories(sighting(1))])).toEqual([]);
  });

  const planted: readonly [what: string, kind: FaultClass, events: readonly Event[]][] = [
    [
      "D1 an accepted message that is not in the history",
      "lost",
      [...attempts, accepted(3), ...histories(...all.slice(0, 2))],
    ],
    ["D1 everything gone", "lost", [...attempts, accepted(1), ...histories()]],
    [
      "D1 a message that is in the recipient's history and not in the sender's",
      "lost",
      [
        ...attempts,
        accepted(1),
        { type: "history", user: "alice", messages: [] },
        { type: "history", user: "bob", messages: all },
      ],
    ],
    [
      "O3 a message that a reader never got",
      "lost",
      [...attempts, connected, seen(1), seen(2), ...histories(...all), drained],
    ],
    ["O3 a hole below what a reader got", "lost", [...attempts, connected, seen(1), seen(3), ...histories(...all)]],
    [
      "O1 a message twice in the history",
      "duplicate",
      [...attempts, ...histories(sighting(1), sighting(2, { id: "id1", text: "text 1" }))],
    ],
    [
      "O3 a message twice on one connection",
      "duplicate",
      [...attempts, connected, seen(1), seen(1), ...histories(...all)],
    ],
    ["D1 a message that nobody sent", "unexpected", [...attempts, ...histories(...all, sighting(4))]],
    ["D1 another text", "unexpected", [...attempts, ...histories(sighting(1, { text: "text 2" }))]],
    [
      "O3 a text cut on its way to a reader",
      "unexpected",
      [...attempts, connected, seen(1, { text: "tex" }), ...histories(...all)],
    ],
    [
      "O4 a later send at an earlier place",
      "out of order",
      [
        ...attempts,
        ...histories(sighting(1, { id: "id2", text: "text 2" }), sighting(2, { id: "id1", text: "text 1" })),
      ],
    ],
    [
      "O3 a reader that goes back",
      "non-monotonic",
      [...attempts, connected, seen(1), seen(2), seen(1), ...histories(...all)],
    ],
    ["O2 a hole in the history", "inconsistent seq", [...attempts, ...histories(sighting(1), sighting(3))]],
    ["O2 a history that starts at 2", "inconsistent seq", [...attempts, ...histories(sighting(2))]],
    [
      "O2 an answer at another place than the message",
      "inconsistent seq",
      [...attempts, accepted(2, "id1"), ...histories(...all)],
    ],
    [
      "O1 two answers with two places",
      "inconsistent seq",
      [...attempts, accepted(1), accepted(2, "id1"), ...histories(...all)],
    ],
    [
      "O2 another message at a place than was seen there before a crash",
      "inconsistent seq",
      [...attempts, connected, seen(1, { id: "id2", text: "text 2" }), ...histories(...all)],
    ],
  ];

  /** The logs planted against this rule that are judged wrongly; empty: all are found. */
  function missedOf(rule: string): readonly string[] {
    const logs = planted.filter(([what]) => what.startsWith(`${rule} `));
    if (logs.length === 0) throw new Error(`No log is planted against ${rule}`);
    return logs.flatMap(([what, kind, events]) => {
      const classes = classesOf(judge(events));
      return classes.includes(kind) ? [] : [`${what}: judged ${classes.join(", ") || "sound"}, not ${kind}`];
    });
  }

  test("control: D1 lost and foreign messages, and changed texts, are found", () => expect(missedOf("D1")).toEqual([]));
  test("control: O1 a message that is there twice, or has two seqs, is found", () =>
    expect(missedOf("O1")).toEqual([]));
  test("control: O2 holes, and seqs with two messages, are found", () => expect(missedOf("O2")).toEqual([]));
  test("control: O3 messages that a reader misses, or sees twice or out of order, are found", () =>
    expect(missedOf("O3")).toEqual([]));
  test("control: O4 a later send at an earlier place is found", () => expect(missedOf("O4")).toEqual([]));
});
