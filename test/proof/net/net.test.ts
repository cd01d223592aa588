import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { join as joinPath } from "node:path";
import { openEngine } from "../../../src/store/engine/open.ts";
import { classesOf, describeFaults, type Event } from "../checker/checker.ts";
import { endClients, isTyping } from "../../support/client.ts";
import { type Node, type Nodes, type NodesOptions, startNodes } from "../../support/nodes.ts";
import { describeWith } from "../../support/prerequisite.ts";
import { type RunningServer, startServer } from "../../support/server.ts";
import { countUnreached, endSession, meet, nextPresence } from "./across.ts";
import { startPlanted, startSleepy } from "./plants.ts";
import { createRace } from "./race.ts";
import { runTrial } from "./trial.ts";
import { deadline } from "../../support/deadline.ts";
import { until } from "../../support/fake-socket.ts";

const seed = Number(process.env["SEED"] ?? "7");
const rounds = Number(process.env["ROUNDS"] ?? "1");
/** The crowd writes without a pause, so that its size decides the processor time. `bun run prove net` has five. */
const users = Number(process.env["USERS"] ?? "3");
const pauseMs = Number(process.env["PAUSE_MS"] ?? "800");
const isBusDead = process.env["BUS_DEAD"] === "1";

/**
 * The simulator shows in virtual time how soon something reaches another node. Here the tests wait until it arrives. The controls wait
 * this long for something that never arrives.
 */
const controlWaitMs = { session: 1_000, message: 5_000 } as const;
const patient = { recoveryMsMax: deadline.bulkMs, liveMsMax: deadline.bulkMs } as const;

describeWith("nats-server", "several nodes on one database", () => {
  let nodes: Nodes;
  let worker: RunningServer;
  let first: Node;
  let second: Node;
  let third: Node;
  const own: Nodes[] = [];

  beforeAll(async () => {
    nodes = await startNodes();
    worker = await startServer({ script: joinPath(import.meta.dir, "worker.ts"), env: nodes.env });
    [first, second, third] = nodes.all as [Node, Node, Node];
  });
  afterAll(async () => {
    // Not after each test: one of them spans several others.
    endClients();
    await worker?.dispose();
    await nodes?.stop();
  });
  afterEach(async () => {
    for (const one of own.splice(0)) await one.stop();
  });

  async function startOwn(options: NodesOptions): Promise<Nodes> {
    const one = await startNodes(options);
    own.push(one);
    return one;
  }

  test(
    `R9 O1 O3 O5 O10 D1 while bus, nodes or database are away, nothing is lost, doubled or moved (SEED=${seed})`,
    async () => {
      const { faults, complaints, facts } = await runTrial({
        nodes,
        seed,
        rounds,
        users,
        pauseMs,
        isBusDead,
        ...patient,
      });
      if (faults.length > 0) throw new Error(describeFaults(faults));
      expect(complaints).toEqual([]);
      expect(facts["accepted"]).toBeGreaterThan(50);
      expect(facts["heats"]).toBeGreaterThan(5);
    },
    2 * deadline.testMs + rounds * 60_000,
  );

  /** Resolves once a watcher on another node sees that the user of a killed node is offline. The tests below run meanwhile. */
  let offline: Promise<unknown> | null = null;

  test("H16 typing and presence cross nodes", async () => {
    const { typist, watcher } = await meet(third, first);
    expect((await watcher.next(isTyping)).user).toBe(typist.user);
    await third.kill9();
    offline = nextPresence(watcher, typist.user, "offline", deadline.bulkMs);
    offline.catch(() => {});
  });

  test("T5 a session that any process ends is over on every node as soon as the bus reports it", async () => {
    const { nats, sqld } = nodes;
    // They poll the database once an hour, so only the bus can notify them.
    const sleepy = await startOwn({ count: 2, sqld, ...(nats && { nats }), start: startSleepy });
    const ended = await endSession({ worker, nodes: sleepy.all, msMax: deadline.answerMs });
    expect(ended.map(({ code }) => code)).toEqual([4_401, 4_401]);
  });

  test("control: T5 a node that leaves sockets of an ended session open is caught", async () => {
    const { nats, sqld } = nodes;
    const planted = await startOwn({ count: 1, sqld, ...(nats && { nats }), start: startPlanted("lenient") });
    const ended = await endSession({ worker, nodes: planted.all, msMax: controlWaitMs.session });
    expect(ended.map(({ code }) => code)).toEqual([0]);
  });

  /** The faults of a race of at least `ms`. It continues until one heat is whole, or until a fault is found where there must be one. */
  async function raceAt(at: readonly Node[], ms: number, isFaulty = false): Promise<readonly string[]> {
    const events: Event[] = [];
    const race = createRace({ urls: at.map(({ url }) => url), log: (event) => events.push(event) });
    await Bun.sleep(ms);
    await until(() => (isFaulty ? race.complaints.length > 0 : race.facts.whole > 0), "the end of a race");
    await race.finish();
    return race.complaints;
  }

  test("O1 one id sent to two nodes at once is one message with one answer", async () => {
    expect(await raceAt([first, second], 800)).toEqual([]);
  });

  test("control: O1 without the unique index, two nodes store one id twice and are caught", async () => {
    const planted = await startOwn({ count: 2, hasBus: false, start: startPlanted("forgetful") });
    const { url, authToken } = planted.sqld;
    const engine = openEngine({ url, ...(authToken !== undefined && { authToken }) });
    await engine.write([
      { sql: "DROP INDEX tidings_message_id" },
      { sql: "CREATE INDEX tidings_message_id ON tidings_message (id, sender)" },
    ]);
    await engine.close();
    expect((await raceAt(planted.all, 500, true)).length).toBeGreaterThan(0);
  });

  test("control: R9 O3 O5 a feed that applies a commit across a gap is caught with lost", async () => {
    const planted = await startOwn({ count: 2, hasBus: false, start: startPlanted("jumps") });
    const { faults } = await runTrial({ nodes: planted, seed, rounds: 0, liveMsMax: 500 });
    expect(classesOf(faults)).toContain("lost");
  });

  test("control: O10 R9 a feed that does not poll leaves users waiting once the bus is dead", async () => {
    const [sender, reader] = (await startOwn({ count: 2, hasBus: false, start: startSleepy })).all as [Node, Node];
    const { unreached } = await countUnreached({
      from: sender,
      to: [reader],
      messages: 1,
      msMax: controlWaitMs.message,
    });
    expect(unreached).toBe(1);
  });

  test("H16 a user of a killed node is offline on other nodes after a while", async () => {
    expect(await offline).toMatchObject({ state: "offline" });
  });

  test("R9 O10 T5 with a dead bus every accepted message arrives, and sessions end", async () => {
    await nodes.nats?.signal("SIGKILL");
    const [reached, ended] = await Promise.all([
      countUnreached({ from: first, to: [first, second], messages: 2, msMax: deadline.answerMs }),
      endSession({ worker, nodes: [first, second], msMax: deadline.answerMs }),
    ]);
    if (process.env["NET_SAY"]) console.log({ reached, ended });
    expect(reached.unreached).toBe(0);
    expect(ended.map(({ code }) => code)).toEqual([4_401, 4_401]);
  });
});
