import { afterAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { lineReader } from "../../support/lines.ts";
import type { Found } from "./mutant-process.ts";
import { mutants } from "./mutants.ts";

/** How many worlds to search for a mutant when the one that found it last no longer does. */
const mutantSeedsMax = 1_000;
const mutantMsMax = 300_000;

describe("mutants of the client", () => {
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
  async function search(name: string): Promise<Found | null> {
    const { child, readLine } = searcher ?? start();
    searcher = undefined;
    void child.stdin.write(`${name}\n`);
    await child.stdin.flush();
    const found = JSON.parse(await readLine()) as Found | null;
    searcher = { child, readLine };
    return found;
  }

  /** The worlds find the mutant at the end of the title, and the same world without it shows nothing. scripts/check-spec.ts reads the rules in each title. */
  function testMutant(title: string): void {
    const name = title.replace(/^control: V3 (?:[A-Z]\d+ )+/, "");
    asked.add(name);
    test(
      title,
      async () => {
        const found = await search(name);
        expect(found?.problems.length).toBeGreaterThan(0);
        expect(found?.without).toEqual([]);
        if (found?.seed !== mutants.find((one) => one.name === name)?.seed)
          console.log(
            `the client: only world ${found?.seed} finds "${name}" now: bun test/proof/sdk/learn.ts saves it`,
          );
      },
      mutantMsMax,
    );
  }

  testMutant("control: V3 J3 waiting messages get new ids when a client starts");
  testMutant("control: V3 J58 a row goes when it is sent");
  testMutant("control: V3 J58 a row goes when it is accepted, and its message is stored later");
  testMutant("control: V3 J2 a message is sent before its row is on disk");
  testMutant("control: V3 J6 J10 what was sent is known by its place in the outbox");
  testMutant("control: V3 J10 what another tab has written is left to that tab");
  testMutant("control: V3 J6 later messages pass one that must wait");
  testMutant("control: V3 J4 what may have been sent is edited");
  testMutant("control: V3 J4 what may have been sent is cancelled");
  testMutant("control: V3 J4 a message is sent before it counts as tried");
  testMutant("control: V3 J60 a draft goes before its row is there");
  testMutant("control: V3 J60 a draft stays until its row is there");
  testMutant("control: V3 J3 a message that was not kept leaves the composer");
  testMutant("control: V3 J91 a tab does not hear what another tab has sent");
  testMutant("control: V3 J5 an accepted message is not stored");
  testMutant("control: V3 J5 a cursor is stored before its rows");
  testMutant("control: V3 J5 a cursor is acked before it is stored");
  testMutant("control: V3 J5 the first cursor of a device may be lost");
  testMutant("control: V3 J5 a connection begins at what was acked");
  testMutant("control: V3 J56 a cursor moves from any other");
  testMutant("control: V3 J7 ranges are wider before the messages are there");
  testMutant("control: V3 J9 a message that comes again is counted again");
  testMutant("control: V3 J10 J91 a reset drops what waits to be sent");
  testMutant("control: V3 J9 a read mark is forgotten once it was sent");
  testMutant("control: V3 J92 a message counts as read when it comes, also on a page that is hidden");
  testMutant("control: V3 J90 a page that is hidden hears of no message");
  test("V3 every mutant of the client is asked for", () =>
    expect([...asked].sort()).toEqual(mutants.map(({ name }) => name).sort()));
});
