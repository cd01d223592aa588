import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { memoryFolder } from "./database.ts";
import { mutants } from "./mutants.ts";

/** How many worlds to search for a mutant when the one that found it last no longer does. */
const mutantSeedsMax = 1_000;
const mutantMsMax = 300_000;
const describeHere = existsSync(memoryFolder) ? describe : describe.skip;

describeHere("mutants of the simulation", () => {
  const script = join(import.meta.dir, "mutant-process.ts");
  const asked = new Set<string>();

  /** Whether the worlds find this mutant. */
  const finds = (name: string) => {
    asked.add(name);
    return async (): Promise<void> => {
      const child = Bun.spawn([process.execPath, script, name, String(mutantSeedsMax)], { stdout: "pipe" });
      const found = (await child.stdout.json()) as {
        readonly seed: number;
        readonly problems: readonly string[];
      } | null;
      expect(found?.problems.length).toBeGreaterThan(0);
      if (found?.seed !== mutants.find((one) => one.name === name)?.seed)
        console.log(
          `simulation: only world ${found?.seed} finds "${name}" now: save it with bun test/proof/sim/learn.ts`,
        );
    };
  };

  test(
    "control: V3 D1 a failed commit that is answered with accepted",
    finds("a failed commit that is answered with accepted"),
    mutantMsMax,
  );
  test(
    "control: V3 U69 a block that leaves the notification where it stands",
    finds("a block that leaves the notification where it stands"),
    mutantMsMax,
  );
  test("control: V3 O1 a retry that is stored again", finds("a retry that is stored again"), mutantMsMax);
  test(
    "control: V3 O4 places in a conversation that run against the order of a commit",
    finds("places in a conversation that run against the order of a commit"),
    mutantMsMax,
  );
  test(
    "control: V3 O6 a page that claims more of the log than it holds",
    finds("a page that claims more of the log than it holds"),
    mutantMsMax,
  );
  test("control: V3 O3 a cursor that is ahead of its frame", finds("a cursor that is ahead of its frame"), mutantMsMax);
  test("control: V3 O5 a gap in the log that is jumped", finds("a gap in the log that is jumped"), mutantMsMax);
  test(
    "control: V3 O7 O10 a wake-up lost between replay and live",
    finds("a wake-up lost between replay and live"),
    mutantMsMax,
  );
  test(
    "control: V3 O3 live changes dropped for a slow reader",
    finds("live changes dropped for a slow reader"),
    mutantMsMax,
  );
  test(
    "control: V3 H3 a change that overtakes its accepted",
    finds("a change that overtakes its accepted"),
    mutantMsMax,
  );
  test(
    "control: V3 O4 sends that are handled behind one that failed",
    finds("sends that are handled behind one that failed"),
    mutantMsMax,
  );
  test("control: V3 R8 deadlines by a clock that jumps", finds("deadlines by a clock that jumps"), mutantMsMax);
  test("control: V3 R3 a buffer without an end", finds("a buffer without an end"), mutantMsMax);
  test("control: V3 O8 delivered beyond what was acked", finds("delivered beyond what was acked"), mutantMsMax);
  test("control: V3 O8 an ack forgotten for an older one", finds("an ack forgotten for an older one"), mutantMsMax);
  test(
    "control: V3 O9 a read mark that takes delivered back",
    finds("a read mark that takes delivered back"),
    mutantMsMax,
  );
  test("control: V3 T3 typing told to the one who types", finds("typing told to the one who types"), mutantMsMax);
  test(
    "control: V3 H11 a connection that is remembered for ever",
    finds("a connection that is remembered for ever"),
    mutantMsMax,
  );
  test(
    "control: V3 Q2 a polled page whose cursor covers all that there is",
    finds("a polled page whose cursor covers all that there is"),
    mutantMsMax,
  );
  test(
    "control: V3 Q80 an answer of changes that leaves out some of them",
    finds("an answer of changes that leaves out some of them"),
    mutantMsMax,
  );
  test(
    "control: V3 Q7 an ack over HTTP of all that there is",
    finds("an ack over HTTP of all that there is"),
    mutantMsMax,
  );
  test(
    "control: V3 Q3 the oldest page in place of the newest",
    finds("the oldest page in place of the newest"),
    mutantMsMax,
  );
  test(
    "control: V3 B3 marks that stay hidden once a block has ended",
    finds("marks that stay hidden once a block has ended"),
    mutantMsMax,
  );
  test("control: V3 B2 a block that sends do not look at", finds("a block that sends do not look at"), mutantMsMax);
  test(
    "control: V3 O5 B1 relations that take change numbers which are given out again",
    finds("relations that take change numbers which are given out again"),
    mutantMsMax,
  );
  test(
    "control: V3 B6 what stands between people, remembered for ever",
    finds("what stands between people, remembered for ever"),
    mutantMsMax,
  );
  test(
    "control: V3 B6 a grace that goes on after somebody is back",
    finds("a grace that goes on after somebody is back"),
    mutantMsMax,
  );
  test(
    "control: V3 U8 a worker that takes its place for granted",
    finds("a worker that takes its place for granted"),
    mutantMsMax,
  );
  test(
    "control: V3 U5 messages that are decided on and wait nowhere",
    finds("messages that are decided on and wait nowhere"),
    mutantMsMax,
  );
  test(
    "control: V3 U5 a worker's place in the log ahead of whom it remembers",
    finds("a worker's place in the log ahead of whom it remembers"),
    mutantMsMax,
  );
  test(
    "control: V3 U5 a message that comes while another is told, and is forgotten",
    finds("a message that comes while another is told, and is forgotten"),
    mutantMsMax,
  );
  test("control: V3 U5 another key for each try", finds("another key for each try"), mutantMsMax);
  test("control: V3 U5 what is under way, told again", finds("what is under way, told again"), mutantMsMax);
  test(
    "control: V3 U5 what was due before it was kept as told, told again",
    finds("what was due before it was kept as told, told again"),
    mutantMsMax,
  );
  test(
    "control: V3 U2 no second look before something is sent",
    finds("no second look before something is sent"),
    mutantMsMax,
  );
  test(
    "control: V3 U1 one device's ack taken for another's",
    finds("one device's ack taken for another's"),
    mutantMsMax,
  );
  test(
    "control: V3 U3 a read that takes no notification away",
    finds("a read that takes no notification away"),
    mutantMsMax,
  );
  test(
    "control: V3 U3 a notification that was read while it was told, and stays",
    finds("a notification that was read while it was told, and stays"),
    mutantMsMax,
  );
  test(
    "control: V3 U6 a token that has moved, with what waited for it",
    finds("a token that has moved, with what waited for it"),
    mutantMsMax,
  );
  test("control: V3 U6 a logout that forgets no address", finds("a logout that forgets no address"), mutantMsMax);
  test(
    "control: V3 U6 a death notice that outlives a new registration",
    finds("a death notice that outlives a new registration"),
    mutantMsMax,
  );
  test(
    "control: V3 F11 O5 a stretch of a commit that claims all of it",
    finds("a stretch of a commit that claims all of it"),
    mutantMsMax,
  );
  test(
    "control: V3 E22 a request to the database that waits for ever",
    finds("a request to the database that waits for ever"),
    mutantMsMax,
  );
  test(
    "control: V3 E22 a database that is left alone for ever once it was down",
    finds("a database that is left alone for ever once it was down"),
    mutantMsMax,
  );
  test(
    "control: V3 E25 an answer of the database that was another one's",
    finds("an answer of the database that was another one's"),
    mutantMsMax,
  );
  test(
    "control: V3 D30 a write that does not say for which history it is",
    finds("a write that does not say for which history it is"),
    mutantMsMax,
  );
  test(
    "control: V3 D31 sockets of a history that has ended",
    finds("sockets of a history that has ended"),
    mutantMsMax,
  );
  test("control: V3 D31 a hub of a history that has ended", finds("a hub of a history that has ended"), mutantMsMax);
  test(
    "control: V3 D32 a database that went back, taken as it is",
    finds("a database that went back, taken as it is"),
    mutantMsMax,
  );
  test(
    "control: V3 D32 a database that goes back to just before a write",
    finds("a database that goes back to just before a write"),
    mutantMsMax,
  );
  test("control: V3 D32 a name that comes back", finds("a name that comes back"), mutantMsMax);
  test("control: V3 D32 a history that each node names", finds("a history that each node names"), mutantMsMax);
  test("control: V3 D30 O8 an ack of another history", finds("an ack of another history"), mutantMsMax);
  test(
    "control: V3 T5 a revocation of sockets that are open, and not of those that open",
    finds("a revocation of sockets that are open, and not of those that open"),
    mutantMsMax,
  );
  test(
    "control: V3 T5 a revocation that the log does not tell",
    finds("a revocation that the log does not tell"),
    mutantMsMax,
  );
  test("V3 every mutant is asked for", () => expect([...asked].sort()).toEqual(mutants.map(({ name }) => name).sort()));
});
