import { type PlantName, ruleOf } from "../../plants/index.ts";

/** A bug planted into the core (test/plants), which the worlds must find. */
export type Mutant = {
  readonly name: PlantName;
  /** The rules that it breaks; a world finds it by naming one of them. */
  readonly rule: string;
  /** A small world that found it last; it is tried first. */
  readonly seed: number;
};

/** Typical bugs of such a core, each in another place, each breaking another promise; with the world that finds it. */
const seeds = {
  "a failed commit that is answered with accepted": 40,
  "a retry that is stored again": 276,
  "places in a conversation that run against the order of a commit": 206,
  "a page that claims more of the log than it holds": 206,
  "a cursor that is ahead of its frame": 49,
  "an answer of changes that leaves out some of them": 10,
  "a gap in the log that is jumped": 219,
  "a wake-up lost between replay and live": 141,
  "live changes dropped for a slow reader": 33,
  "a change that overtakes its accepted": 3,
  "sends that are handled behind one that failed": 219,
  "deadlines by a clock that jumps": 35,
  "a buffer without an end": 292,
  "delivered beyond what was acked": 40,
  "an ack forgotten for an older one": 38,
  "a read mark that takes delivered back": 67,
  "typing is echoed to its sender": 206,
  "a connection that is remembered for ever": 38,
  "a polled page whose cursor covers all that there is": 474,
  "an ack over HTTP of all that there is": 474,
  "the oldest page in place of the newest": 67,
  "marks that stay hidden once a block has ended": 6,
  "a block leaves the notification shown": 193,
  "a block that sends do not look at": 55,
  "relations that take change numbers which are given out again": 55,
  "settings that take change numbers which are given out again": 406,
  "a mute that is set again is a change again": 107,
  "relations between users are remembered for ever": 170,
  "a presence grace goes on after a return": 93,
  "a worker never checks its lease": 153,
  "messages that are decided on are not stored": 38,
  "a worker's position is ahead of the users that it remembers": 149,
  "a message that comes during a push is forgotten": 33,
  "another key for each try": 240,
  "a push under way is sent again": 33,
  "a due push is sent again before its result is stored": 33,
  "no second look before something is sent": 13,
  "one device's ack taken for another's": 38,
  "a read that takes no notification away": 292,
  "a notification that was read during its push stays": 257,
  "a moved token keeps the pushes that waited for it": 186,
  "a logout that forgets no address": 19,
  "a death notice that outlives a new registration": 193,
  "a stretch of a commit that claims all of it": 43,
  "a divided commit that names one audience too few": 81,
  "a position that passes rows which did not come": 6,
  "the sender of notifications gets the rows of its own users": 8,
  "a request to the database that waits for ever": 146,
  "a database that is left alone for ever once it was down": 2374,
  "an answer of the database that was another one's": 251,
  "a write that does not say for which history it is": 276,
  "sockets of a history that has ended": 275,
  "a hub of a history that has ended": 206,
  "a database that went back, taken as it is": 273,
  "a database that goes back to just before a write": 152,
  "a name that comes back": 395,
  "a history that each node names": 50,
  "an ack of another history": 470,
  "a revocation of sockets that are open, and not of those that open": 127,
  "a revocation is missing in the log": 129,
  "a device that is forgotten keeps its sockets": 106,
  "a sweep forgets the device that has acked the most": 250,
} as const satisfies Partial<Record<PlantName, number>>;

export const mutants: readonly Mutant[] = (Object.keys(seeds) as (keyof typeof seeds)[]).map((name) => ({
  name,
  rule: ruleOf(name),
  seed: seeds[name],
}));
