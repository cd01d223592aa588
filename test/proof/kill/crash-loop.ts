import { type Event, type Fault, judge } from "../checker/checker.ts";
import { createChance } from "../sim/chance.ts";
import { endClients } from "../../support/client.ts";
import type { RunningServer, Start } from "../../support/server.ts";
import { createCrowd } from "./crowd.ts";
import { deadline } from "../../support/deadline.ts";

export type CrashLoopOptions = {
  readonly start: Start;
  /** Where the server keeps its database. */
  readonly dir: string;
  readonly rounds: number;
  readonly seed: number;
  /** How many of the rounds end by SIGTERM, from 0 to 1. */
  readonly gracefulShare?: number;
  /** The part of the rounds that last until a client was answered, from 0 to 1: the others may end before that. */
  readonly answeredShare?: number;
  /** How long to wait for a shutdown. The server itself exits with 1 when its own ten seconds are over. */
  readonly exitMsMax?: number;
};

/** The checker's findings in the log, and all other faults: retries, shutdowns, frames. */
export type CrashLoopVerdict = {
  readonly faults: readonly Fault[];
  readonly complaints: readonly string[];
  readonly facts: Readonly<Record<string, number>>;
};

const pairs = 4;
/** A round ends at a random instant of this time: from the first reconnects to full speed. */
const killMs = { min: 5, max: 160 } as const;
const answerPollMs = 2;

/** A server under load ends `rounds` times, by kill -9 or SIGTERM, comes back on the same file, and is judged at the end. */
export async function crashLoop(options: CrashLoopOptions): Promise<CrashLoopVerdict> {
  const {
    start,
    dir,
    rounds,
    seed,
    gracefulShare = 0.2,
    answeredShare = 0.5,
    exitMsMax = deadline.processMs,
  } = options;
  // The rounds' ends are drawn apart from the crowd's draws, which depend on the speed of the answers.
  const chance = createChance(seed);
  const events: Event[] = [];
  const crowd = createCrowd({ pairs, chance: createChance(~seed), log: (event) => events.push(event) });
  const { complaints } = crowd;
  let shutdowns = 0;

  /** R5: exit code 0 in its time, and every socket that was open sees 1012. */
  async function shutDown(server: RunningServer): Promise<void> {
    shutdowns++;
    const open = crowd.open();
    const late = Promise.withResolvers<"late">();
    const timer = setTimeout(() => late.resolve("late"), exitMsMax);
    const exit = await Promise.race([server.stop("SIGTERM"), late.promise]);
    clearTimeout(timer);
    if (exit === "late") await server.kill9();
    if (exit !== 0) complaints.push(`SIGTERM: the exit was ${exit}, not 0 within ${exitMsMax} ms`);
    const codes = (await Promise.all(open)).map(({ code }) => code).filter((code) => code !== 1012);
    if (codes.length > 0) complaints.push(`SIGTERM: ${codes.length} sockets were closed with ${codes[0]}, not 1012`);
  }

  /** However slow the machine is. */
  async function answered(): Promise<void> {
    const before = crowd.facts.accepted;
    for (let ms = 0; crowd.facts.accepted === before; ms += answerPollMs) {
      if (ms > deadline.answerMs) throw new Error(`No client was answered within ${deadline.answerMs} ms`);
      await Bun.sleep(answerPollMs);
    }
  }

  let server = await start({ dir });
  const { port } = server;
  try {
    for (let round = 0; round < rounds; round++) {
      const entering = crowd.enter(server.url);
      if (chance.hits(answeredShare)) await answered();
      await Bun.sleep(chance.between(killMs.min, killMs.max));
      if (chance.hits(gracefulShare)) await shutDown(server);
      else await server.kill9();
      await entering;
      await crowd.left();
      server = await start({ dir, port });
    }
    await crowd.settle(server.url);
  } catch (error) {
    // A server that does not start again, or a client that waits in vain, is a finding too.
    complaints.push(error instanceof Error ? error.message : String(error));
  } finally {
    await server.dispose();
    try {
      endClients();
    } catch (error) {
      complaints.push(String(error));
    }
  }
  return { faults: judge(events), complaints, facts: { ...crowd.facts, shutdowns, events: events.length } };
}
