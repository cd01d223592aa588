import { type Chance, createChance, randomOf } from "../sim/chance.ts";
import type { Backup, SimDatabase } from "../sim/database.ts";
import { createFakeBus } from "../sim/fake-bus.ts";
import { calm, drawFaults, type Faults } from "../sim/faults.ts";
import { createHistories } from "../sim/histories.ts";
import { createNode, type SimNode } from "../sim/node.ts";
import { createTimeline } from "../sim/timeline.ts";
import { type Browser, createBrowser } from "./browser.ts";
import { calmDisk, type DiskFaults } from "./disk.ts";
import { createWatch } from "./watch.ts";

/** A text that the model user has written, and what became of it as far as that user knows. */
export type Written = {
  readonly text: string;
  readonly browser: Browser;
  readonly to: string;
  readonly id: string;
  /** The browser's data had been deleted this often when it was written. */
  readonly losses: number;
  /** The same when it was kept. More: what was deleted may be kept again by a later page before it, by its note. */
  keptLosses?: number;
  /** The tab, and the place among what was written in it. */
  readonly tab: string;
  readonly at: number;
  /** When it was sent, in virtual milliseconds. */
  readonly ms: number;
  /** What the sending says of the server's answer. Absent: the text was edited, which sends nothing anew. */
  answer?: "none" | "accepted" | "refused";
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
  const watch = createWatch({ histories, problem, mayStall: plan.faults.disk.hangs > 0 });
  const retried = new Set<string>();
  const cancelling = new Set<string>();
  const evicting = new Set<string>();
  const backups: Backup[] = [];
  /** Up to where a user has marked messages as read, by user and conversation. */
  const marked = new Map<string, number>();
  const facts = { deaths: 0, crashes: 0, faults: 0, losses: 0, restores: 0 };
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

  const world = {
    timeline,
    tenant,
    plan,
    problems,
    problem,
    written,
    watch,
    histories,
    /** Ids of messages that their user has tried again. */
    retried,
    /** Ids of messages of which a cancel was not answered. */
    cancelling,
    /** A full disk has made room at the cost of messages. */
    isEvicting: (browser: string): boolean => evicting.has(browser),
    evicting: (browser: Browser): void => void evicting.add(browser.name),
    facts,
    markedUpTo: (user: string, conversation: string): number => marked.get(`${user} ${conversation}`) ?? 0,
    mark(user: string, conversation: string, seq: number): void {
      marked.set(`${user} ${conversation}`, Math.max(world.markedUpTo(user, conversation), seq));
    },
    backUp: async (): Promise<void> => void backups.push(await database.backUp()),
    /** The server's database goes back to a backup, as a new history. */
    async restore(pick: Chance): Promise<void> {
      if (backups.length === 0) return await world.backUp();
      facts.restores++;
      await histories.restore(pick.pick(backups), true);
    },
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
          tab.putOff(0);
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
