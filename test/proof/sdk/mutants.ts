import { type PlantName, ruleOf } from "../../plants/index.ts";

/** A bug planted into the client (test/plants), which the worlds must find. */
export type Mutant = {
  readonly name: PlantName;
  /** The rules that it breaks; a world finds it by naming one of them. */
  readonly rule: string;
  /** A small world that finds it. */
  readonly seed: number;
};

/** Typical bugs of such a client, each with the world that finds it. */
const seeds = {
  "waiting messages get new ids when a client starts": 0,
  "a row goes when it is sent": 0,
  "a row goes when it is accepted, and its message is stored later": 0,
  "a message is sent before its row is on disk": 5,
  "what was sent is known by its place in the outbox": 62,
  "what another tab has written is left to that tab": 1865,
  "later messages pass one that must wait": 833,
  "what may have been sent is edited": 0,
  "what may have been sent is cancelled": 471,
  "a message is sent before it counts as tried": 190,
  "a draft goes before its row is there": 5,
  "a draft stays until its row is there": 5,
  "a message that was not kept leaves the composer": 5,
  "a tab does not hear what another tab has sent": 34,
  "an accepted message is not stored": 0,
  "a cursor is stored before its rows": 56,
  "a cursor is acked before it is stored": 0,
  "the first cursor of a device may be lost": 368,
  "a connection begins at what was acked": 94,
  "a cursor moves from any other": 9,
  "ranges are wider before the messages are there": 8,
  "a message that comes again is counted again": 9,
  "a reset drops what waits to be sent": 70,
  "a read mark is forgotten once it was sent": 30,
  "a message counts as read when it comes, also on a page that is hidden": 2,
  "a page that is hidden hears of no message": 5,
} as const satisfies Partial<Record<PlantName, number>>;

export const mutants: readonly Mutant[] = (Object.keys(seeds) as (keyof typeof seeds)[]).map((name) => ({
  name,
  rule: ruleOf(name),
  seed: seeds[name],
}));
