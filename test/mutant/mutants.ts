import type { Alteration } from "../support/alter-source.ts";

/** One condition of the source less, or another one, and the test that must go red by it. */
export type Mutant = Alteration & {
  /** What it breaks. */
  readonly rule: string;
  readonly name: string;
  /** Part of the test's name, and its file. */
  readonly red: string;
  readonly in: string;
};

/**
 * Bugs that no test saw when each was planted alone, in the whole suite and in hundreds of worlds of the simulator. A test of its own stands
 * beside each: who changes the condition changes both.
 */
export const mutants: readonly Mutant[] = [
  {
    rule: "H3",
    name: "changes overtake an answer that waits",
    file: "connection/outbox.ts",
    from: "filled === 0 && hasRoom(bytes + answersReserveBytes)",
    to: "hasRoom(bytes + answersReserveBytes)",
    red: "H3 an answer that waits behind another one",
    in: "test/hub/races.test.ts",
  },
  {
    rule: "U1",
    name: "who is written to while they are being looked at is forgotten",
    file: "push/follower.ts",
    from: "else if (each.marks === marks[i]) stirs.delete",
    to: "else if (marks) stirs.delete",
    red: "U1 who is written to while they are being looked at",
    in: "test/push/race.test.ts",
  },
  {
    rule: "P13",
    name: "a cursor beyond the head is honoured",
    file: "hub/start-of.ts",
    from: "asked.n <= head.n)",
    to: "asked.n <= head.n + 1)",
    red: "P13 O5 a cursor just beyond the head",
    in: "test/hub/races.test.ts",
  },
  {
    rule: "P13",
    name: "a cursor at the head is refused",
    file: "hub/start-of.ts",
    from: "asked.n <= head.n)",
    to: "asked.n < head.n)",
    red: "P13 a cursor at the head is honoured",
    in: "test/hub/races.test.ts",
  },
  {
    rule: "T5",
    name: "a revocation looks at joined sockets alone",
    file: "hub/hub.ts",
    from: "of [...all])\n      if (session.tenant === tenant",
    to: "of [...(registry.find(tenant, user)?.connections ?? [])])\n      if (session.tenant === tenant",
    red: "T5 a revocation ends the sockets that are still opening",
    in: "test/hub/races.test.ts",
  },
  {
    rule: "T3",
    name: "what was asked before a block is remembered behind it",
    file: "hub/ties.ts",
    from: "if (changes === before) ties.forEach",
    to: "if (before >= 0) ties.forEach",
    red: "T3 B3 what was asked before a block",
    in: "test/hub/races.test.ts",
  },
  {
    rule: "E24",
    name: "a busy server's connections are thrown away",
    file: "store/engine/remote-client.ts",
    from: "if (!first.wasBusy()) distrust();",
    to: "distrust();",
    red: "E24 E25 a server that said that it is busy",
    in: "test/store/remote-client.test.ts",
  },
];
