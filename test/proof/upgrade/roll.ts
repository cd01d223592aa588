import { join } from "node:path";
import { openEngine } from "../../../src/store/engine/open.ts";
import { readState } from "../../../src/store/migration/state.ts";
import type { Alteration } from "../../support/alter-source.ts";
import { startAltered } from "../../support/alteration.ts";
import {
  contractedSchema,
  expandedSchema,
  faultsOfFilling,
  fillAsBefore,
  schemaOfBefore,
} from "../../support/database-of-before.ts";
import { deadline } from "../../support/deadline.ts";
import { until } from "../../support/fake-socket.ts";
import { startNodes } from "../../support/nodes.ts";
import { createStartOfReleaseBefore } from "../../support/release-before.ts";
import { type Start, startServer } from "../../support/server.ts";
import { startSqld } from "../../support/sqld.ts";
import { type Event, type Fault, judge } from "../checker/checker.ts";
import { createCrowd } from "../net/crowd.ts";
import { createChance } from "../sim/chance.ts";
import { createAway } from "./away.ts";

export type RollOptions = {
  readonly seed: number;
  /** Whether all nodes go back to the release before in the end. */
  readonly isBack?: boolean;
  /** How each node of the release before ends. */
  readonly ending: "SIGTERM" | "SIGKILL";
  readonly users?: number;
  /** Messages that each conversation of before has. */
  readonly before?: number;
  /** Bugs of the new release, its migrations among them. */
  readonly alterations?: readonly Alteration[];
  readonly liveMsMax?: number;
  readonly say?: (text: string) => void;
};

export type RollVerdict = {
  readonly faults: readonly Fault[];
  readonly complaints: string[];
  readonly facts: Readonly<Record<string, number>>;
};

const cli = join(import.meta.dir, "../../../src/cli.ts");
const preload = join(import.meta.dir, "../../support/alter-preload.ts");

/** Starts `tidings migrate …` of the new release as a process. */
function startMigrate(args: readonly string[], alterations: readonly Alteration[]) {
  const planted = alterations.length > 0 ? ["--preload", preload] : [];
  return Bun.spawn([process.execPath, ...planted, cli, "migrate", ...args], {
    env: { PATH: process.env["PATH"] ?? "", ALTERATIONS: JSON.stringify(alterations) },
    ...{ stdin: "ignore", stdout: "pipe", stderr: "pipe" },
  });
}

const nodeCount = 3;
const pastUsers = 300;
const pastConversations = (pastUsers * 3) / 2;
/**
 * The log is as long as that of a database which has been used for long: soon the next period of conversations begins. Before that there are more numbers than rows that are
 * looked at one by one, so that who was away is read through the conversations that changed.
 */
const periodSize = 2 ** 18;
const numbersBefore = { atStart: 40_000, atJump: 150 } as const;
const acceptedPerStep = 40;
const lookMs = 20;

/** The longest time in which no send of the crowd was answered, for each step. */
function watchAnswers(count: () => number) {
  let last = { count: count(), at: performance.now() };
  let longest = 0;
  const look = (): void => {
    const now = performance.now();
    longest = Math.max(longest, now - last.at);
    if (count() > last.count) last = { count: count(), at: now };
  };
  const timer = setInterval(look, lookMs);
  return {
    /** In milliseconds, since it was asked last. */
    longestMs(): number {
      look();
      const found = Math.round(longest);
      longest = 0;
      return found;
    },
    end: (): void => clearInterval(timer),
  };
}

/**
 * Three nodes of the release before, in use all the time, are upgraded as docs/nodes.md says: `migrate goto`, one node after the other, `migrate up`. Everything that clients saw
 * is judged.
 */
export async function runRoll(options: RollOptions): Promise<RollVerdict> {
  const { seed, ending, isBack, users = 3, before = 40, alterations = [], liveMsMax = deadline.bulkMs, say } = options;
  const chance = createChance(seed);
  const old = createStartOfReleaseBefore();
  const sqld = await startSqld();
  const engine = openEngine({ url: sqld.url });
  const facts: Record<string, number> = {};
  const complaints: string[] = [];
  const events: Event[] = [];
  const startNew: Start = (more = {}) =>
    alterations.length > 0 ? startAltered({ ...more, alterations }) : startServer(more);
  let start = old.start;
  let ends: (() => unknown)[] = [() => old.dispose(), () => sqld.stop(), () => engine.close()];

  async function run(): Promise<void> {
    const messages = before * pastConversations;
    const period = Math.ceil((messages + pastConversations + numbersBefore.atStart) / periodSize) * periodSize;
    await fillAsBefore(engine, { messages, users: pastUsers, head: period - numbersBefore.atStart });
    const nodes = await startNodes({ count: nodeCount, sqld, hasLinks: false, start: (more) => start(more) });
    ends.push(() => nodes.stop());
    const urls = nodes.all.map(({ url }) => url);
    const log = (event: Event): void => void events.push(event);
    const crowd = createCrowd({ users, urls, chance: chance.fork("crowd"), log });
    ends.push(() => crowd.end());
    await crowd.ready();
    const friends = [1, pastUsers / 2, pastUsers - 1].map((i) => `past${i}`);
    const away = await createAway({ urls, chance: chance.fork("away"), user: "past0", friends, before, liveMsMax });
    ends.push(() => away.end());
    const answers = watchAnswers(() => crowd.facts.accepted);
    ends.push(() => answers.end());

    const more = async (what: string): Promise<void> => {
      const from = crowd.facts.accepted;
      await away.visit();
      await until(() => crowd.facts.accepted > from + acceptedPerStep, `messages ${what}`, deadline.bulkMs);
    };
    const note = (name: string, ms: number): void => {
      facts[name] = Math.max(facts[name] ?? 0, Math.round(ms));
      say?.(`${name}: ${Math.round(ms)}`);
    };
    async function migrate(name: string, args: readonly string[]): Promise<void> {
      answers.longestMs();
      const begun = performance.now();
      const child = startMigrate([...args, "--database", sqld.url], alterations);
      const [error] = await Promise.all([child.stderr.text(), child.exited]);
      note(`${name}Ms`, performance.now() - begun);
      note(`${name}SilentMs`, answers.longestMs());
      if (child.exitCode !== 0) throw new Error(`migrate ${args.join(" ")} failed: ${error}`);
    }

    /** One is killed on its way, and its next run completes. */
    async function killMigration(args: readonly string[]): Promise<void> {
      const child = startMigrate([...args, "--database", sqld.url], alterations);
      await until(async () => (await readState(engine)).version > schemaOfBefore, "a migration", deadline.answerMs);
      child.kill("SIGKILL");
      await child.exited;
      if ((await readState(engine)).version < expandedSchema) facts["killed"] = 1;
    }

    await more("before the upgrade");
    if (ending === "SIGKILL") await killMigration(["goto", String(expandedSchema)]);
    await migrate("expand", ["goto", String(expandedSchema)]);
    await more("of old nodes on the new schema");
    await engine.write([{ sql: "UPDATE tidings_head SET n = ?1 WHERE n < ?1", args: [period - numbersBefore.atJump] }]);
    const headOf = async (): Promise<number> =>
      Number((await engine.read([{ sql: "SELECT n FROM tidings_head" }]))[0]?.[0]?.["n"]);
    while ((await headOf()) < period + 50) await Bun.sleep(lookMs);
    await more("of old nodes in the new period");

    start = startNew;
    for (const node of nodes.all) {
      answers.longestMs();
      const begun = performance.now();
      if (ending === "SIGTERM") {
        const code = await node.server().stop("SIGTERM");
        if (code !== 0) complaints.push(`${node.name} of the release before ended with ${code}`);
      } else await node.kill9();
      await node.replace();
      note("replaceMs", performance.now() - begun);
      note("replaceSilentMs", answers.longestMs());
      await more(`after ${node.name} was upgraded`);
    }
    await migrate("contract", ["up"]);
    await more("after the upgrade");
    await crowd.finish({ recoveryMsMax: liveMsMax, liveMsMax, marksMsMax: liveMsMax });
    await away.finish();
    if (isBack === true) {
      // The way back: nothing that was accepted is missing for the release before either.
      for (const node of nodes.all) await node.server().stop("SIGTERM");
      await migrate("back", ["goto", String(schemaOfBefore)]);
      start = old.start;
      for (const node of nodes.all) await node.replace();
      await away.readAll();
      Object.assign(facts, crowd.facts, away.facts);
      complaints.push(...crowd.complaints, ...away.complaints);
      return;
    }

    for (const fault of await faultsOfFilling(engine, { isWhole: true }))
      complaints.push(`a row is not filled in: ${JSON.stringify(fault)}`);
    const { version } = await readState(engine);
    if (version !== contractedSchema) complaints.push(`the schema is at ${version}`);
    complaints.push(...crowd.complaints, ...away.complaints);
    Object.assign(facts, crowd.facts, away.facts);
  }

  try {
    await run();
  } catch (error) {
    complaints.push(error instanceof Error ? error.message : String(error));
  } finally {
    for (const end of ends.toReversed()) await end();
    ends = [];
  }
  return { faults: judge(events), complaints, facts };
}
