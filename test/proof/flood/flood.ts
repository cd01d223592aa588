import { rmSync } from "node:fs";
import { join } from "node:path";
import Database from "libsql";
import { cpuSeconds } from "../../../scripts/bench/process-usage.ts";
import { defaultLimits, type Limits } from "../../../src/protocol/limits.ts";
import type { PushExplanation } from "../../../src/push/explain.ts";
import type { Outcome } from "../load/scenario.ts";
import { createChance } from "../sim/chance.ts";
import type { Alteration } from "../../support/alter-source.ts";
import { temporaryFolder } from "../../support/server.ts";
import { createCrowd } from "./crowd.ts";
import { judgeLogouts, judgeRepeats, judgeScreens } from "./judge.ts";
import { createPeople } from "./people.ts";
import { ask } from "./sender.ts";
import { openServices } from "./services.ts";
import { startFlooded } from "./start.ts";

export type FloodSize = {
  readonly users: number;
  readonly messages: number;
  readonly senders: number;
  /** How long the messages take, at least. */
  readonly floodMs: number;
  readonly crashes: number;
  readonly limits: Partial<Limits>;
  /** This long after the last crash the providers fail no more; Infinity: they fail to the end. */
  readonly healsMs: number;
  /** The longest time then until each device shows the right notifications. */
  readonly settledMsMax: number;
  /** The wait also ends when nothing has happened for this long. For controls, which never heal. */
  readonly stillMs?: number;
  /** Multiplies the tolerances of the judge. Default: 1. */
  readonly times?: number;
};

export type FloodOptions<Size = FloodSize> = {
  readonly size: Size;
  readonly seed: number;
  readonly alterations?: readonly Alteration[];
  readonly say?: (text: string) => void;
};

const providers = 2;
const lookMs = 250;
const sampleMs = 250;
const sayMs = 10_000;
/** Nothing more may happen for this long at the end. */
const calmMs = 1_500;
/** Messages that are explained. */
const explained = 60;
const faultsShown = 8;
/** A lost answer ends as this in the log; it is planted. */
const isLostAnswer = /"a push failed".*ECONNRESET/;
const isFinal = ["sent", "collapsed", "read"];

/** U3 U5 U7: all users are away, much is written, the providers fail half of the time, and the server is killed again and again. */
export async function flood({ size, seed, alterations = [], say = () => {} }: FloodOptions): Promise<Outcome> {
  const {
    users: userCount,
    messages,
    floodMs,
    crashes: crashCount,
    limits,
    settledMsMax,
    stillMs = Infinity,
    times = 1,
  } = size;
  const chance = createChance(seed);
  const people = createPeople({ ...size, chance: chance.fork("people") });
  const { users } = people;
  const services = await openServices({
    chance: chance.fork("services"),
    isDead: (provider, screen) => people.deviceOf(provider, screen)?.isDead ?? false,
  });
  const dir = temporaryFolder();
  const settings = { ...services.settings, limits };
  const violations: string[] = [];
  const crashes: number[] = [];
  const resident: number[] = [];
  let [cpu, log] = [0, ""];
  let server = await startFlooded({ settings, dir, alterations });
  const { port } = server;
  const crowd = createCrowd({ people, port, chance: chance.fork("crowd") });
  const beganAt = performance.now();
  const seconds = (): number => (performance.now() - beganAt) / 1_000;
  const mark = (text: string): void => say(`${seconds().toFixed(1)} s: ${text}, ${services.requests.length} requests`);
  const sampling = setInterval(() => {
    try {
      const bytes = server.residentBytes();
      if (bytes > 0) resident.push(bytes);
    } catch {
      // It is being killed.
    }
  }, sampleMs);

  function readLog(): void {
    cpu += cpuSeconds(server.pid);
    log += server.output();
  }

  async function crash(): Promise<void> {
    readLog();
    crashes.push(performance.now());
    await server.kill9();
    server = await startFlooded({ settings, dir, port, alterations });
    mark(`crash ${crashes.length}`);
  }

  /** All but two of the crashes, evenly over this many messages, each at some instant. */
  async function crashDuring(count: number): Promise<void> {
    const before = Math.max(0, crashCount - 2);
    for (let i = 1; i <= before; i++) {
      while (crowd.accepted() < (count * i) / (before + 1)) await Bun.sleep(1);
      await Bun.sleep(chance.between(0, 40));
      await crash();
    }
  }

  /** The users' acts meanwhile on their other devices. */
  async function live(): Promise<void> {
    const doings = [
      ...users
        .filter((_, i) => i % 4 === 2)
        .map(
          ({ talks: [talk] }) =>
            async () =>
              await crowd.read(talk),
        ),
      ...users
        .flatMap(({ devices }) => devices)
        .filter((_, i) => i % 23 === 3)
        .map((device) => async () => await crowd.logOut(device)),
    ];
    const waits = doings.map((act) => ({ act, ms: chance.between(Math.floor(floodMs / 10), floodMs) }));
    await Promise.all(waits.map(async ({ act, ms }) => await Bun.sleep(ms).then(act)));
  }

  /** Until all is right, or time is over; returns the violations then. */
  async function settled(): Promise<readonly string[]> {
    const end = performance.now() + settledMsMax;
    let saysAt = performance.now() + sayMs;
    let [asked, askedAt] = [-1, 0];
    for (;;) {
      const left = waitingIn(dir);
      const now = performance.now();
      if (left > 0 || services.requests.length !== asked) [asked, askedAt] = [services.requests.length, now];
      if (left === 0 || now > end || now > saysAt) {
        const faults = judgeScreens(users, services, { times });
        if ((faults.length === 0 && left === 0) || now > end || now - askedAt > stillMs)
          return left === 0 ? faults : [`${left} notices wait still`, ...faults];
        mark(`${faults.length} screens are not right yet, ${left} notices wait (${faults[0] ?? "nothing"})`);
        saysAt = now + sayMs;
      }
      await Bun.sleep(lookMs);
    }
  }

  /** U10: the decisions about many messages can be explained. */
  async function explain(): Promise<void> {
    const reasons = new Map<string, number>();
    for (let i = 0; i < explained; i++) {
      const { user, devices, talks } = chance.pick(users);
      const talk = chance.pick(talks);
      if (talk.messages.length === 0) continue;
      const { id, seq } = chance.pick(talk.messages);
      const answer = await ask(port, user, `/push/explain?message=${id}`, { method: "GET" });
      const [found] = (answer.body as { messages?: readonly PushExplanation[] }).messages ?? [];
      for (const { name, isDead, loggedOutAt } of devices) {
        const decision = found?.decisions.find((one) => one.device === name);
        const reason = decision?.reason ?? "nothing";
        reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
        if (isDead || loggedOutAt !== null || (decision?.decision !== "wait" && isFinal.includes(reason))) continue;
        violations.push(`U10 the reason for sending ${seq} to ${user} ${name}: ${JSON.stringify(decision)}`);
      }
    }
    mark(`explained: ${[...reasons].map(([reason, count]) => `${count} ${reason}`).join(", ")}`);
  }

  try {
    await crowd.enter(users);
    mark(`${users.reduce((sum, { devices }) => sum + devices.length, 0)} devices are registered`);
    // Every user gets one more message at the end.
    const flooding = messages - userCount;
    await Promise.all([crowd.write(flooding, floodMs), crashDuring(flooding), live()]);
    mark(`${crowd.accepted()} messages accepted`);
    await crowd.writeEach(
      users.flatMap(({ talks }) => talks.slice(-1)),
      floodMs / 10,
    );
    mark(`${crowd.accepted()} messages accepted, the last ones`);
    const acceptedSeconds = seconds();
    // The latest messages are known only to the worker.
    if (crashCount > 1) await crash();
    await Promise.all(users.filter((_, i) => i % 8 === 5).map(({ talks }) => crowd.read(talks[1])));
    if (crashCount > 0) {
      await Bun.sleep(chance.between(100, 400));
      await crash();
    }
    const healing = Number.isFinite(size.healsMs) ? setTimeout(() => (services.failing = 0), size.healsMs) : undefined;
    const wrongs = await settled();
    violations.push(...services.violations(), ...crowd.complaints, ...wrongs);
    clearTimeout(healing);
    mark("settled");
    const settledSeconds = seconds();
    if (violations.length === 0) {
      await Bun.sleep(calmMs);
      violations.push(...judgeScreens(users, services, { times }), ...services.violations());
    }
    const perCrashMax = 2 * providers * (limits.pushRequestsMax ?? defaultLimits.pushRequestsMax);
    const repeats = judgeRepeats(services.requests, { crashes, perCrashMax, times });
    violations.push(...repeats.faults, ...judgeLogouts(services.requests, people.deviceOf, { times }));
    if (violations.length === 0) await explain();
    readLog();
    const unwell = log.split("\n").filter((line) => /"level":"(error|fatal)"/i.test(line) && !isLostAnswer.test(line));
    if (unwell.length > 0) violations.push(`the server logged ${unwell[0]?.slice(0, 300)}`);
    const count = (fate: string): number => services.requests.filter((one) => one.fate === fate).length;
    return {
      violations: violations.slice(0, faultsShown),
      figures: {
        violations: violations.length,
        users: userCount,
        messages: crowd.accepted(),
        crashes: crashes.length,
        requests: services.requests.length,
        shown: count("taken") + count("lost"),
        clears: services.requests.filter(({ kind }) => kind === "clear").length,
        ...repeats.figures,
        acceptedSeconds,
        settledSeconds,
        serverCpuSeconds: cpu,
        residentMbMax: Math.max(...resident) / 1e6,
      },
    };
  } finally {
    clearInterval(sampling);
    crowd.leave();
    await server.stop();
    await server.dispose();
    await services.close();
    rmSync(dir, { recursive: true, force: true });
  }
}

/** How many notices are due, or will be. */
function waitingIn(dir: string): number {
  const database = new Database(join(dir, "tidings.db"), { readonly: true });
  try {
    const sql = "SELECT count(*) AS count FROM tidings_push_notice WHERE due IS NOT NULL";
    return (database.prepare(sql).get() as { count: number }).count;
  } finally {
    database.close();
  }
}
