import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Socket } from "../../../src/connection/socket.ts";
import { createEmbeddedEngine } from "../../../src/store/engine/embedded.ts";
import type { Engine } from "../../../src/store/engine/engine.ts";
import { bundledMigrations } from "../../../src/store/migration/bundled.ts";
import { migrate } from "../../../src/store/migration/migrate.ts";
import type { Store } from "../../../src/store/store.ts";
import { describeFaults, type Event, judge } from "../checker/checker.ts";
import { createChance, randomOf } from "../sim/chance.ts";
import { memoryRoot } from "../../support/memory-root.ts";
import { createProcess } from "../sim/process.ts";
import { createTimeline } from "../sim/timeline.ts";
import { createDevice, type Device } from "./device.ts";
import { createFaultyEngine, type Mode } from "./faulty-engine.ts";
import { dayLimits, type Node, startNode } from "./node.ts";
import { openObserver } from "./observer.ts";
import { cast, planScript } from "./script.ts";

/** Bugs for controls: around the faulty engine, around the store, around each socket. */
export type Plant = {
  readonly engine?: (engine: Engine, file: string) => Engine;
  readonly store?: (store: Store) => Store;
  readonly socket?: (socket: Socket) => Socket;
};

export type DayOptions = {
  readonly seed: number;
  /** How call `n` fails, if it does; `now` in virtual milliseconds. */
  readonly plan: (n: number, now: number) => Mode | null;
  readonly wayMs: number;
  /** Few users and few messages, for trying each call. */
  readonly isShort: boolean;
  readonly plant?: Plant;
};

export type DayVerdict = {
  readonly problems: readonly string[];
  readonly calls: number;
  readonly failed: number;
  readonly accepted: number;
};

/** Virtual milliseconds: the longest script, and the longest time until a day settles. */
const scriptMs = 300;
const settleMsMax = 60_000;
const settleStepMs = 250;
const restartMs = 100;

/** The same day each time, but for the failing calls. */
export async function runDay({ seed, plan, wayMs, isShort, plant = {} }: DayOptions): Promise<DayVerdict> {
  const chance = createChance(seed);
  const random = randomOf(chance);
  const timeline = createTimeline();
  const { clock } = createProcess(timeline, chance, { skewMs: 0, lateMs: 0 });
  const file = join(mkdtempSync(join(memoryRoot, "tidings-day-")), "chat.db");
  writeFileSync(file, await template());
  const inner = createEmbeddedEngine({ path: file });
  const observer = openObserver(file);
  const events: Event[] = [];
  const problems: string[] = [];
  let failed = 0;
  const { engine: faulty, calls } = createFaultyEngine({
    inner,
    timeline,
    wayMs,
    plan: (n) => plan(n, timeline.now()),
    onFailure({ sends }) {
      failed++;
      for (const device of devices) device.mustBeRefused(sends);
    },
  });
  const engine = plant.engine?.(faulty, file) ?? faulty;
  let node: Node | null = null;
  let restart = 0;

  /** A supervisor: starts again after a failed start. */
  async function boot(): Promise<void> {
    const turn = ++restart;
    while (turn === restart) {
      try {
        const { store: wrapStore = (store) => store, socket: wrapSocket = (socket) => socket } = plant;
        node = await startNode({ engine, clock, random, wrapStore, wrapSocket });
        return;
      } catch {
        await timeline.sleep(restartMs);
      }
    }
  }

  const devices: Device[] = cast(isShort).map(({ user, name }) =>
    createDevice({
      timeline,
      user,
      name,
      isTalker: name === "talker",
      open: (wire, cursor) =>
        node?.open(wire, user, { device: name, ...(cursor === undefined ? {} : { cursor }) }) ?? false,
      mayAck: () => devices.every((device) => device.user !== user || device.hasStarted()),
      isStopping: () => node?.isStopping() ?? true,
      onAccepted({ id, conversation, seq }) {
        if (!observer.has(user, id, seq))
          problems.push(`${user} got accepted for ${id} at ${conversation} ${seq}, which is not in the database`);
      },
      log: (event) => events.push(event),
      newId: () => random.messageId(clock.now()),
    }),
  );
  const users = [...new Set(devices.map(({ user }) => user))];

  const isSettled = (): boolean =>
    devices.every((device) => device.waiting() === 0) &&
    devices.every(({ user, rows }) => rows().length >= observer.countOf(user));

  async function settle(what: string): Promise<void> {
    const end = timeline.now() + settleMsMax;
    do timeline.runUntil(timeline.now() + settleStepMs);
    while (!isSettled() && timeline.now() < end);
    if (isSettled()) return;
    const left = devices.map((device) => `${device.reader}: ${device.waiting()} waiting, ${device.rows().length} rows`);
    problems.push(`${what} did not settle: ${left.join("; ")}`);
  }

  /** All talkers send one message more: nothing needs a restart. */
  function sendMore(text: string): void {
    for (const device of devices)
      if (device.isTalker && !(isShort && device.user === "carol"))
        device.send({ to: device.user === "bob" ? "alice" : "bob" }, text);
  }

  async function shutDown(): Promise<void> {
    const stopped = node;
    if (!stopped) return void problems.push("there is no server to shut down");
    let tookMs: number | null = null;
    stopped.stop().then(
      (ms) => (tookMs = ms),
      (error: unknown) => problems.push(`the shutdown failed: ${String(error)}`),
    );
    timeline.runUntil(timeline.now() + dayLimits.shutdownMs + restartMs);
    if (tookMs === null) problems.push(`the shutdown took longer than ${dayLimits.shutdownMs} ms`);
    const left = Object.entries(stopped.sizes()).filter(([, size]) => size !== 0);
    if (left.length > 0) problems.push(`after the shutdown the hub still holds ${JSON.stringify(left)}`);
  }

  try {
    void boot();
    planScript({ chance, devices, isShort, at: (ms, act) => void timeline.after(ms, act) });
    timeline.runUntil(scriptMs);
    await settle("the day");
    sendMore("without a restart");
    await settle("the messages afterwards");
    sendMore("while it shuts down");
    timeline.runUntil(timeline.now() + 2);
    await shutDown();
    void boot();
    await settle("the next day");
    await shutDown();

    for (const user of users) events.push({ type: "history", user, messages: observer.historyOf(user) });
    for (const { reader, user, isTalker } of devices) if (!isTalker) events.push({ type: "drained", reader, user });
    for (const device of devices) problems.push(...device.faults());
    const found = judge(events);
    if (found.length > 0) problems.push(describeFaults(found));
  } finally {
    observer.close();
    await inner.close();
    rmSync(join(file, ".."), { recursive: true, force: true });
  }
  return { problems, calls: calls(), failed, accepted: events.filter(({ type }) => type === "accepted").length };
}

let migrated: Promise<Uint8Array> | null = null;

/** The bytes of a database with its schema in place, made once. */
function template(): Promise<Uint8Array> {
  migrated ??= (async () => {
    const folder = mkdtempSync(join(memoryRoot, "tidings-day-"));
    try {
      const engine = createEmbeddedEngine({ path: join(folder, "chat.db") });
      await migrate(engine, bundledMigrations);
      await engine.close();
      return readFileSync(join(folder, "chat.db"));
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  })();
  return migrated;
}
