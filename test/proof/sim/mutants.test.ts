import { afterAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { lineReader } from "../../support/lines.ts";
import { mutants } from "./mutants.ts";

/** How many worlds to search for a mutant when the one that found it last no longer does. */
const mutantSeedsMax = 1_000;
const mutantMsMax = 300_000;

type Found = { readonly seed: number; readonly problems: readonly string[] } | null;

describe("mutants of the simulation", () => {
  const script = join(import.meta.dir, "mutant-process.ts");
  const asked = new Set<string>();

  const start = () => {
    const child = Bun.spawn([process.execPath, script, String(mutantSeedsMax)], { stdin: "pipe", stdout: "pipe" });
    return { child, readLine: lineReader(child.stdout) };
  };
  let searcher: ReturnType<typeof start> | undefined;
  afterAll(async () => {
    await searcher?.child.stdin.end();
    await searcher?.child.exited;
  });

  /** One process searches for one mutant after another. One that has not answered, or has ended, is replaced. */
  async function search(name: string): Promise<Found> {
    const { child, readLine } = searcher ?? start();
    searcher = undefined;
    void child.stdin.write(`${name}\n`);
    await child.stdin.flush();
    const found = JSON.parse(await readLine()) as Found;
    searcher = { child, readLine };
    return found;
  }

  /** The worlds find the mutant at the end of the title. The rules in each title are what scripts/check-spec.ts reads. */
  function testMutant(title: string): void {
    const name = title.replace(/^control: V3 (?:[A-Z]\d+ )+/, "");
    asked.add(name);
    test(
      title,
      async () => {
        const found = await search(name);
        expect(found?.problems.length).toBeGreaterThan(0);
        if (found?.seed !== mutants.find((one) => one.name === name)?.seed)
          console.log(
            `simulation: only world ${found?.seed} finds "${name}" now: save it with bun test/proof/sim/learn.ts`,
          );
      },
      mutantMsMax,
    );
  }

  testMutant("control: V3 D1 a failed commit that is answered with accepted");
  test("V3 a mutant is gone again after its search: the same world shows nothing", async () => {
    expect(await search("no mutant")).toBeNull();
  });
  testMutant("control: V3 U69 a block leaves the notification shown");
  testMutant("control: V3 O1 a retry that is stored again");
  testMutant("control: V3 O4 places in a conversation that run against the order of a commit");
  testMutant("control: V3 O6 a page that claims more of the log than it holds");
  testMutant("control: V3 O3 a cursor that is ahead of its frame");
  testMutant("control: V3 O5 a gap in the log that is jumped");
  testMutant("control: V3 O7 O10 a wake-up lost between replay and live");
  testMutant("control: V3 O3 live changes dropped for a slow reader");
  testMutant("control: V3 H3 a change that overtakes its accepted");
  testMutant("control: V3 O4 sends that are handled behind one that failed");
  testMutant("control: V3 R8 deadlines by a clock that jumps");
  testMutant("control: V3 R3 a buffer without an end");
  testMutant("control: V3 O8 delivered beyond what was acked");
  testMutant("control: V3 O8 an ack forgotten for an older one");
  testMutant("control: V3 O9 a read mark that takes delivered back");
  testMutant("control: V3 T3 typing is echoed to its sender");
  testMutant("control: V3 H11 a connection that is remembered for ever");
  testMutant("control: V3 Q2 a polled page whose cursor covers all that there is");
  testMutant("control: V3 Q80 an answer of changes that leaves out some of them");
  testMutant("control: V3 Q7 an ack over HTTP of all that there is");
  testMutant("control: V3 Q3 the oldest page in place of the newest");
  testMutant("control: V3 B3 marks that stay hidden once a block has ended");
  testMutant("control: V3 B2 a block that sends do not look at");
  testMutant("control: V3 O5 B1 relations that take change numbers which are given out again");
  testMutant("control: V3 P75 settings that take change numbers which are given out again");
  testMutant("control: V3 P75 a mute that is set again is a change again");
  testMutant("control: V3 B6 relations between users are remembered for ever");
  testMutant("control: V3 B6 a presence grace goes on after a return");
  testMutant("control: V3 U8 a worker never checks its lease");
  testMutant("control: V3 U5 messages that are decided on are not stored");
  testMutant("control: V3 U5 a worker's position is ahead of the users that it remembers");
  testMutant("control: V3 U5 a message that comes during a push is forgotten");
  testMutant("control: V3 U5 another key for each try");
  testMutant("control: V3 U5 a push under way is sent again");
  testMutant("control: V3 U5 a due push is sent again before its result is stored");
  testMutant("control: V3 U2 no second look before something is sent");
  testMutant("control: V3 U1 one device's ack taken for another's");
  testMutant("control: V3 U3 a read that takes no notification away");
  testMutant("control: V3 U3 a notification that was read during its push stays");
  testMutant("control: V3 U6 a moved token keeps the pushes that waited for it");
  testMutant("control: V3 U6 a logout that forgets no address");
  testMutant("control: V3 U6 a death notice that outlives a new registration");
  testMutant("control: V3 F11 O5 a stretch of a commit that claims all of it");
  testMutant("control: V3 F21 O10 a divided commit that names one audience too few");
  testMutant("control: V3 F21 O10 a position that passes rows which did not come");
  testMutant("control: V3 F21 U3 the sender of notifications gets the rows of its own users");
  testMutant("control: V3 E22 a request to the database that waits for ever");
  testMutant("control: V3 E22 a database that is left alone for ever once it was down");
  testMutant("control: V3 E25 an answer of the database that was another one's");
  testMutant("control: V3 D30 a write that does not say for which history it is");
  testMutant("control: V3 D31 sockets of a history that has ended");
  testMutant("control: V3 D31 a hub of a history that has ended");
  testMutant("control: V3 D32 a database that went back, taken as it is");
  testMutant("control: V3 D32 a database that goes back to just before a write");
  testMutant("control: V3 D32 a name that comes back");
  testMutant("control: V3 D32 a history that each node names");
  testMutant("control: V3 D30 O8 an ack of another history");
  testMutant("control: V3 T5 a revocation of sockets that are open, and not of those that open");
  testMutant("control: V3 T5 a revocation is missing in the log");
  testMutant("control: V3 S46 T5 a device that is forgotten keeps its sockets");
  testMutant("control: V3 S47 a sweep forgets the device that has acked the most");
  test("V3 every mutant is asked for", () => expect([...asked].sort()).toEqual(mutants.map(({ name }) => name).sort()));
});
