import { type Chance, createChance, randomOf } from "../sim/chance.ts";
import { readCursor } from "../sim/cursor-reader.ts";
import type { SimDatabase } from "../sim/database.ts";
import { createFakeBus } from "../sim/fake-bus.ts";
import { calm, drawFaults, type Faults } from "../sim/faults.ts";
import { createHistories } from "../sim/histories.ts";
import { createNode, type SimNode } from "../sim/node.ts";
import { createTimeline } from "../sim/timeline.ts";
import { type Browser, createBrowser } from "./browser.ts";
import { calmDisk, type DiskFaults, type DiskState } from "./disk.ts";

/** A text that the model user has written, and what became of it as far as that user knows. */
export type Written = {
  readonly text: string;
  readonly browser: Browser;
  readonly to: string;
  readonly id: string;
  /** The browser's data had been deleted this often when it was written. */
  readonly losses: number;
  /** The tab, and the place among what was written in it. */
  readonly tab: string;
  readonly at: number;
  /** `sent`: not known to be on disk. `kept`: the SDK has said that it is. `doubtful`: an edit or a cancel of it was not answered. */
  state: "sent" | "kept" | "doubtful" | "refused" | "cancelled" | "edited";
};

export type SdkFaults = Faults & { readonly disk: DiskFaults; readonly hintsLost: number };

export type SdkPlan = {
  readonly seed: number;
  readonly faults: SdkFaults;
  /** The part of the HTTP requests that get no answer. */
  readonly loses: number;
  readonly nodes: number;
  readonly users: readonly string[];
  readonly browsers: number;
  readonly spanMs: number;
  readonly operations: readonly { readonly at: number; readonly kind: string; readonly seed: number }[];
};

/** A disk at one moment, to be judged once the log is known. */
export type Snapshot = {
  readonly browser: string;
  readonly user: string;
  readonly state: DiskState;
  readonly first: number;
};

const tenant = "t";
const restartMs = 300;

/** Called with everything that a browser does, where a test looks into one world. */
export type Trace = (ms: number, browser: string, text: string) => void;

export type SdkWorldOptions = { readonly plan: SdkPlan; readonly database: SimDatabase; readonly trace?: Trace };

export function createSdkWorld({ plan, database, trace }: SdkWorldOptions) {
  const timeline = createTimeline();
  const chance = createChance(plan.seed);
  const problems: string[] = [];
  const problem = (rule: string, text: string): void => void problems.push(`${rule} ${text}`);
  const histories = createHistories({ database, random: randomOf(chance.fork("histories")), problem });
  let faults = plan.faults;
  let isAtRest = false;
  const bus = createFakeBus(timeline, chance.fork("bus"), () => faults);
  const nodes: (SimNode | null)[] = Array.from({ length: plan.nodes }, () => null);
  const written: Written[] = [];
  const snapshots: Snapshot[] = [];
  const retried = new Set<string>();
  const evicting = new Set<string>();
  const facts = { deaths: 0, crashes: 0, faults: 0, losses: 0 };
  /** The first position of each browser's disk: what came before it belongs to history. */
  const firsts = new Map<string, number>();
  let texts = 0;

  function boot(i: number): void {
    const node = createNode({
      timeline,
      chance: chance.fork(`node ${i} ${timeline.now()}`),
      engine: database.engine,
      histories,
      isRemote: false,
      bus,
      faults: () => faults,
      plant: {},
      equip: () => [],
    });
    nodes[i] = node;
    node.chat.ready().catch(() => {
      if (!node.process.isDead()) replace(i, () => node.kill());
    });
  }

  function replace(i: number, end: () => void): void {
    nodes[i] = null;
    end();
    void timeline.after(restartMs, () => nodes[i] === null && boot(i));
  }

  const positionOf = (cursor: string | null): number =>
    cursor === null ? 0 : (readCursor(cursor, histories.names())?.n ?? 0);

  const world = {
    timeline,
    tenant,
    plan,
    problems,
    problem,
    written,
    snapshots,
    /** Ids of messages that their user has tried again. */
    retried,
    /** A full disk has made room at the cost of messages. */
    isEvicting: (browser: string): boolean => evicting.has(browser),
    evicting: (browser: Browser): void => void evicting.add(browser.name),
    facts,
    positionOf,
    faults: () => faults,
    loses: () => (isAtRest ? 0 : plan.loses),
    isResting: () => isAtRest,
    chance: (name: string): Chance => chance.fork(name),
    newText: (): string => `${texts++} ${"x".repeat(chance.pick([0, 5, 300]))}`,
    pickNode(pick: Chance): SimNode | null {
      const up = nodes.filter((node) => node !== null && !node.process.isDead());
      return up.length === 0 ? null : pick.pick(up);
    },
    killNode(pick: Chance): void {
      const i = pick.between(0, nodes.length - 1);
      const node = nodes[i];
      if (node) replace(i, () => node.kill());
    },
    stopNode(pick: Chance): void {
      const i = pick.between(0, nodes.length - 1);
      const node = nodes[i];
      if (node) replace(i, () => void node.stop());
    },
    fault(browser: Browser, fault: unknown): void {
      world.trace(browser, `fault ${String(fault)}`);
      facts.faults++;
      // A fault of the program itself, not of its surroundings.
      if (fault instanceof TypeError || fault instanceof RangeError || fault instanceof ReferenceError)
        problem("J1", `${browser.name}: ${fault.stack ?? fault.message}`);
    },
    /** For a person who looks into a world. */
    trace: (browser: Browser, text: string): void => trace?.(timeline.now(), browser.name, text),
    /** A frame leaves a client. */
    watchFrame(browser: Browser, text: string): void {
      const frame = JSON.parse(text) as { readonly type: string; readonly cursor?: string; readonly id?: string };
      if (frame.type === "ack" && frame.cursor !== undefined) world.watchCursor(browser, frame.cursor, "acked");
      if (frame.type === "send" && frame.id !== undefined) watchSend(browser, frame.id);
    },
    watchRequest(browser: Browser, method: string, url: URL, body: string): void {
      if (method !== "POST" || body === "") return;
      const { id, cursor } = JSON.parse(body) as { readonly id?: string; readonly cursor?: string };
      if (url.pathname === "/messages" && id !== undefined) watchSend(browser, id);
      if (url.pathname === "/ack" && cursor !== undefined) world.watchCursor(browser, cursor, "acked");
    },
    /** A cursor leaves a client: its disk must hold it, or a later one. */
    watchCursor(browser: Browser, cursor: string, what: string): void {
      const state = browser.disk.state();
      if (state === null) return;
      const [said, held] = [positionOf(cursor), positionOf(state.meta.cursor)];
      if (said > held) problem("J5", `${browser.name} ${what} ${said}, its disk holds ${held}`);
    },
    /** A frame reaches a client. The first welcome of a device says where its part of the log begins. */
    watchWelcome(browser: Browser, text: string): void {
      if (!text.startsWith('{"type":"welcome"')) return;
      const { cursor } = JSON.parse(text) as { readonly cursor: string };
      if (!firsts.has(firstKey(browser))) firsts.set(firstKey(browser), positionOf(cursor));
    },
    /** Keeps what is on a disk, to be judged at the end. */
    snapshot(browser: Browser): void {
      const state = browser.disk.state();
      const first = firsts.get(firstKey(browser));
      if (state === null || first === undefined) return;
      snapshots.push({ browser: browser.name, user: browser.user, state, first });
    },
    start(): void {
      for (let i = 0; i < plan.nodes; i++) boot(i);
      for (const browser of browsers) browser.openTab();
    },
    rest(): void {
      isAtRest = true;
      faults = { ...calm(faults), linkMs: 1, disk: calmDisk, hintsLost: 0 };
      for (const [i, node] of nodes.entries()) {
        if (node === null || node.process.isDead()) boot(i);
        node?.process.resume();
        node?.cutOff(0);
      }
      for (const browser of browsers) {
        browser.disk.setFull(false);
        if (browser.tabs.length === 0) browser.openTab();
        for (const tab of browser.tabs) {
          tab.process.resume();
          tab.dieAfter(Number.POSITIVE_INFINITY);
          tab.setOnline(true);
          tab.show(true);
          for (const link of tab.links()) link.release();
        }
      }
    },
    end(): void {
      for (const browser of browsers) for (const tab of browser.tabs) tab.kill();
      for (const node of nodes) node?.kill();
    },
    get browsers(): readonly Browser[] {
      return browsers;
    },
  };

  const firstKey = (browser: Browser): string => `${browser.name} ${browser.disk.state()?.meta.device ?? ""}`;

  /** A message leaves a client: its row must be on the disk. */
  function watchSend(browser: Browser, id: string): void {
    const state = browser.disk.state();
    if (state === null || state.outbox.has(id)) return;
    // Another tab may have settled it meanwhile, or the storage hangs: then it is sent without.
    const isSettled = [...state.messages.values()].some((message) => message.id === id);
    const isStalled = browser.tabs.some((tab) => tab.client.storage.get().kind === "stalled");
    const isFailing = plan.faults.disk.hangs > 0;
    if (!isSettled && !isStalled && !isFailing) problem("J2", `${browser.name} sent ${id}, which is not on its disk`);
  }

  const browsers: Browser[] = plan.users.flatMap((user) =>
    Array.from({ length: plan.browsers }, (_, i) =>
      createBrowser(world, { name: `${user}${i}`, user, chance: chance.fork(`${user} ${i}`) }),
    ),
  );
  return world;
}

export type SdkWorld = ReturnType<typeof createSdkWorld>;

/** Draws the faults of one world from its seed. */
export function drawSdkFaults(chance: Chance): SdkFaults {
  const some = (max: number): number => (chance.hits(0.5) ? 0 : chance.unit() * max);
  return {
    ...drawFaults(chance.fork("server")),
    disk: { callMs: chance.pick([0, 2, 30]), fails: some(0.08), hangs: chance.hits(0.2) ? 0.02 : 0 },
    hintsLost: chance.pick([0, 0, 0.3, 1]),
  };
}
