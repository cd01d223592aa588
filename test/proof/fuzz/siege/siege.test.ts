import { join } from "node:path";
import { describe, expect, test } from "bun:test";
import { startSiege } from "./siege.ts";

const rounds = 3;
const attacks = 200;
const plantedScript = join(import.meta.dir, "planted-server.ts");

/** The faults of a planted server after two rounds. */
async function besiegePlanted(plant: string, attacksOfRound: number): Promise<string> {
  const siege = await startSiege({ script: plantedScript, env: { PLANT: plant } });
  for (let seed = 1; seed <= 2 && !siege.isOver(); seed++) {
    await siege.assail(seed, attacksOfRound);
    if (seed === 1) siege.warm();
  }
  return (await siege.end()).violations.join("\n");
}

describe("a server under attack", () => {
  test("R1 hostile bytes at every entry neither end, block nor fatten a server, and healthy users chat on", async () => {
    const siege = await startSiege();
    for (let seed = 1; seed <= rounds; seed++) {
      await siege.assail(seed, attacks);
      if (seed === 1) siege.warm();
    }
    const { cases, violations, facts } = await siege.end();
    expect(violations).toEqual([]);
    expect(cases).toBeGreaterThan(rounds * attacks * 4);
    for (const kind of ["frames", "protocol", "http", "garbage", "partial", "drip"])
      expect(facts[`${kind} over sockets`]).toBeGreaterThan(0);
    expect(facts["healthy rounds"]).toBeGreaterThan(5);
  });

  test("control: R1 a server that throws at one kind of frame is found", async () => {
    expect(await besiegePlanted("throw", attacks)).toContain("the server ended with 1");
  });

  test("control: R1 a server that blocks its loop at one kind of frame is found", async () => {
    expect(await besiegePlanted("block", 120)).toContain("a turn of the event loop took");
  });

  test("control: R1 a server that keeps memory at one kind of frame is found", async () => {
    // Seven of its frames must come after the warm-up.
    expect(await besiegePlanted("leak", 2 * attacks)).toContain("the server grew by");
  });
});
