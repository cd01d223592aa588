import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { createEmbeddedEngine } from "../../src/store/engine/embedded.ts";
import { bundledMigrations } from "../../src/store/migration/bundled.ts";
import { migrate } from "../../src/store/migration/migrate.ts";
import { type Event, type Fault, judge, type Sighting } from "../checker/checker.ts";
import { createChance, randomOf } from "./chance.ts";
import { createDevice, type SimDevice } from "./device.ts";
import { drawFaults, type Faults } from "./faults.ts";
import { type Plant, type SimNode, startNode } from "./node.ts";
import { createTimeline } from "./timeline.ts";

export type WorldOptions = {
  readonly seed: number;
  readonly safetyMs?: number;
  readonly livenessMs?: number;
  readonly plant?: Plant;
  /** Takes single kinds of fault away, to see which ones a failure needs. */
  readonly calm?: (faults: Faults) => Faults;
};

export type Verdict = {
  readonly seed: number;
  readonly faults: readonly string[];
  readonly accepted: number;
  readonly seen: number;
  readonly steps: number;
  readonly virtualMs: number;
};

/** Where databases live that no power cut can reach. */
const memoryFolder = "/dev/shm";
const restartMs = 300;
const settleStepMs = 5_000;

/**
 * One world of one seed: real nodes on a real database, model clients, and the faults that the seed drew. First
 * everything goes wrong; then nothing more does, and whatever was accepted must have reached everybody.
 */
export async function runWorld(options: WorldOptions): Promise<Verdict> {
  const { seed, safetyMs = 12_000, livenessMs = 600_000, plant = {}, calm = (faults: Faults) => faults } = options;
  const chance = createChance(seed);
  const faults = calm(drawFaults(chance));
  const timeline = createTimeline();
  const folder = mkdtempSync(join(memoryFolder, "tidings-sim-"));
  const engine = createEmbeddedEngine({ path: join(folder, "chat.db") });
  const events: Event[] = [];
  const problems: string[] = [];
  const random = randomOf(chance);
  let steps = 0;
  try {
    await migrate(engine, bundledMigrations);
    const isSafetyPhase = (): boolean => timeline.now() < safetyMs;
    const nodes: (SimNode | null)[] = Array.from({ length: faults.nodes }, () => null);

    async function boot(i: number): Promise<void> {
      for (;;) {
        try {
          nodes[i] = await startNode({ timeline, chance, faults, engine, isSafetyPhase, plant });
          return;
        } catch {
          // The store did not answer: a supervisor starts the process again.
          await timeline.sleep(restartMs);
        }
      }
    }
    for (let i = 0; i < faults.nodes; i++) void boot(i);

    const users = ["alice", "bob", "carol", "dave"].slice(0, chance.between(2, 4));
    const devices: SimDevice[] = users.flatMap((user) =>
      ["talker", "listener"].map((name) =>
        createDevice({
          timeline,
          chance,
          linkMs: faults.linkMs,
          user,
          name,
          isTalker: name === "talker",
          node: () => {
            const up = nodes.filter((node) => node !== null && !node.isDead());
            return up.length === 0 ? null : chance.pick(up);
          },
          log: (event) => events.push(event),
          newId: () => random.messageId(1_780_000_000_000 + Math.floor(timeline.now())),
        }),
      ),
    );
    // A device that is new starts after what others acked: here all of them are there from the beginning.
    await engine.write([
      { sql: `INSERT INTO user (tenant, id) SELECT 't', j.value FROM json_each(?1) j`, args: [JSON.stringify(users)] },
      {
        sql: `INSERT INTO device (user, device, acked) SELECT user.key, j.value, 0 FROM user, json_each('["talker","listener"]') j`,
      },
    ]);
    for (const device of devices) device.start();

    /** Does something again and again, at random about every `everyMs`, until the safety phase is over. */
    function repeat(everyMs: number, act: () => void): void {
      if (everyMs === 0) return;
      void timeline.after(chance.unit() * 2 * everyMs, () => {
        if (!isSafetyPhase()) return;
        act();
        repeat(everyMs, act);
      });
    }

    let sent = 0;
    repeat(chance.pick([20, 60, 200]), () => {
      const talker = chance.pick(devices.filter(({ isTalker }) => isTalker));
      const burst = chance.hits(0.1) ? chance.between(5, 40) : 1;
      for (let i = 0; i < burst; i++)
        talker.send(
          chance.pick(users.filter((user) => user !== talker.user)),
          `${sent++} ${"x".repeat(chance.pick([0, 10, 300]))}`,
        );
    });
    repeat(faults.breakEveryMs, () => chance.pick(devices).cut(chance.hits(faults.halfOpen)));
    repeat(faults.stallEveryMs, () => chance.pick(devices).stall(chance.between(100, 4_000)));
    repeat(faults.clientCrashEveryMs, () => chance.pick(devices).crash());
    repeat(faults.crashEveryMs, () => {
      const i = chance.between(0, nodes.length - 1);
      const node = nodes[i];
      if (!node) return;
      node.kill();
      nodes[i] = null;
      void timeline.after(restartMs, () => void boot(i));
    });

    steps += await timeline.runUntil(safetyMs);
    // A slow world may take long, but must get there, and then stay quiet.
    let end = safetyMs;
    let isSettled = false;
    for (let quiet = 0; quiet < 2 && end < safetyMs + livenessMs; quiet = isSettled ? quiet + 1 : 0) {
      end += settleStepMs;
      steps += await timeline.runUntil(end);
      isSettled = await hasSettled();
    }

    // What is in the log, as a fresh device of each user would read it, straight from the real database.
    const truth = new Map<string, readonly Sighting[]>();
    for (const user of users) truth.set(user, await historyOf(user));
    for (const [user, messages] of truth) events.push({ type: "history", user, messages });
    for (const device of devices)
      if (!device.isTalker) events.push({ type: "drained", reader: device.reader, user: device.user });

    for (const device of devices) {
      problems.push(...device.faults());
      if (device.waiting() > 0) problems.push(`${device.reader}: ${device.waiting()} sends were never answered`);
      if (device.bufferedMax() > faults.limits.outboxBytesMax)
        problems.push(`${device.reader}: ${device.bufferedMax()} bytes waited to go out`);
      const have = new Set(device.rows().map(({ conversation, seq, id }) => `${conversation} ${seq} ${id}`));
      const want = (truth.get(device.user) ?? []).map(({ conversation, seq, id }) => `${conversation} ${seq} ${id}`);
      const missing = want.filter((row) => !have.has(row));
      if (missing.length > 0)
        problems.push(`${device.reader}: does not have ${missing.length} of ${want.length} messages: ${missing[0]}`);
      if (hasOtherReceipts(device)) problems.push(`${device.reader}: has other receipts than the user's other device`);
    }
    for (const node of nodes) node?.kill();

    function hasOtherReceipts(device: SimDevice): boolean {
      const text = ({ receipts }: SimDevice): string =>
        JSON.stringify([...receipts()].toSorted(([one], [other]) => (one < other ? -1 : 1)));
      const twin = devices.find(({ user, reader }) => user === device.user && reader !== device.reader);
      return twin !== undefined && text(device) !== text(twin);
    }

    async function hasSettled(): Promise<boolean> {
      if (devices.some((device) => device.waiting() > 0)) return false;
      const [[row] = []] = await engine.read([{ sql: "SELECT count(*) AS messages FROM message" }]);
      if (devices.some(hasOtherReceipts)) return false;
      // Each message is in the histories of two people, on two devices each.
      return devices.reduce((sum, device) => sum + device.rows().length, 0) === 4 * Number(row?.["messages"]);
    }

    async function historyOf(user: string): Promise<Sighting[]> {
      const [rows = []] = await engine.read([
        {
          sql: `SELECT m.conversation, m.seq, m.id, s.id AS sender, m.text FROM message m JOIN user s ON s.key = m.sender
            WHERE m.sender = (SELECT key FROM user WHERE id = ?1) OR m.recipient = (SELECT key FROM user WHERE id = ?1) ORDER BY m.n`,
          args: [user],
        },
      ]);
      return rows.map((row) => ({
        conversation: `c${Number(row["conversation"]).toString(36)}`,
        seq: Number(row["seq"]),
        id: String(row["id"]),
        from: String(row["sender"]),
        text: String(row["text"]),
      }));
    }
  } finally {
    await engine.close();
    rmSync(folder, { recursive: true, force: true });
  }
  const faultText = ({ class: kind, text }: Fault): string => `${kind}: ${text}`;
  return {
    seed,
    faults: [...judge(events).map(faultText), ...problems],
    accepted: events.filter(({ type }) => type === "accepted").length,
    seen: events.filter(({ type }) => type === "seen").length,
    steps,
    virtualMs: timeline.now(),
  };
}
