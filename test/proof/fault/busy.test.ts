import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "libsql";
import { createEmbeddedEngine } from "../../../src/store/engine/embedded.ts";
import { toArguments } from "../../../src/store/engine/arguments.ts";
import type { Engine, Row, Statement } from "../../../src/store/engine/engine.ts";
import { bundledMigrations } from "../../../src/store/migration/bundled.ts";
import { migrate } from "../../../src/store/migration/migrate.ts";
import { classesOf, describeFaults, type Event, judge } from "../checker/checker.ts";
import { createChance } from "../sim/chance.ts";
import { storeOn } from "../../support/store.ts";
import { deliver, historyOf } from "./deliver.ts";
import { startOutsider } from "../../support/outsider.ts";

const folder = mkdtempSync(join(tmpdir(), "tidings-busy-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;

/** Rounds and their moments: BUSY_ROUNDS=200 BUSY_SEED=7 bun run test test/proof/fault/busy */
const rounds = Number(process.env["BUSY_ROUNDS"] ?? 12);
const seed = Number(process.env["BUSY_SEED"] ?? 1);

/** Another process takes the write lock again and again during sends; a third one looks after each `accepted`. */
async function lockOut(open: (path: string) => Engine) {
  const chance = createChance(seed);
  const path = join(folder, `${files++}.db`);
  const first = createEmbeddedEngine({ path });
  await migrate(first, bundledMigrations);
  await first.close();
  const engine = open(path);
  const { store } = await storeOn(engine);
  const events: Event[] = [];
  const witness = startOutsider(path);
  let locker = startOutsider(path);
  let unseen = 0;
  let refusals = 0;
  try {
    // One loss is enough.
    for (let round = 0; round < rounds && unseen === 0; round++) {
      await locker.lock();
      const sending = deliver(store, {
        ...(chance.hits(0.5) ? { from: "alice", to: "bob" } : { from: "bob", to: `new-${round}` }),
        texts: Array.from({ length: chance.between(1, 5) }, (_, i) => `${round} ${i}`),
        events,
        onAccepted: async (id) => void (unseen += (await witness.count(id)) === 1 ? 0 : 1),
      });
      await Bun.sleep(chance.between(0, 40));
      if (chance.hits(0.2)) {
        await locker.kill9();
        locker = startOutsider(path);
      } else await locker.unlock();
      refusals += (await sending) - 1;
    }
    for (const user of ["alice", "bob"]) events.push(await historyOf(store, user));
  } finally {
    await witness.kill9();
    await locker.kill9();
    await store.close();
  }
  // A new engine sees only the file's content.
  const later = await storeOn(createEmbeddedEngine({ path }));
  for (const user of ["alice", "bob"]) events.push(await historyOf(later.store, user));
  await later.store.close();
  return { faults: judge(events), unseen, refusals };
}

/** Continues with the connection that saw the error, and lets each statement commit on its own. */
function openStubborn(path: string): Engine {
  const database = new Database(path);
  const run = ({ sql, args }: Statement): Row[] => {
    const statement = database.prepare(sql);
    if (statement.reader) return statement.all(toArguments(args)) as Row[];
    statement.run(toArguments(args));
    return [];
  };
  return {
    read: async (statements) => statements.map(run),
    write: async (statements) => statements.map(run),
    close: async () => void database.close(),
  };
}

describe("another process holds the write lock", () => {
  test(`D4 D3 E13 accepted messages are seen by a third process, and all arrive once (BUSY_SEED=${seed})`, async () => {
    const { faults, unseen, refusals } = await lockOut((path) => createEmbeddedEngine({ path }));
    if (faults.length > 0) throw new Error(describeFaults(faults));
    expect(unseen).toBe(0);
    expect(refusals).toBeGreaterThan(rounds / 2);
  }, 600_000);

  test("control: D4 an engine that keeps using a connection that was busy is caught by the witness", async () => {
    const { faults, unseen } = await lockOut(openStubborn);
    expect(unseen).toBeGreaterThan(0);
    expect(classesOf(faults)).toContain("lost");
  });
});
