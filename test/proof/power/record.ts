import { existsSync, mkdtempSync, readdirSync, readFileSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { createCrowd } from "../kill/crowd.ts";
import { type Chance, createChance } from "../sim/chance.ts";
import { endClients } from "../../support/client.ts";
import { memoryRoot } from "../../support/memory-root.ts";
import type { RunningServer, Start } from "../../support/server.ts";
import { createDisk } from "./disk.ts";
import { openTrace, readTrace, type TraceRecord } from "./trace.ts";
import { deadline } from "../../support/deadline.ts";

export type RecordOptions = {
  readonly start: Start;
  readonly shim: string;
  readonly seed: number;
  /** How often the server starts; each start but the last ends by a kill before some change, or by SIGTERM. */
  readonly starts: number;
  /** Every start that is not killed runs until this many more messages are accepted. */
  readonly messages: number;
};

export type Recording = {
  readonly records: readonly TraceRecord[];
  readonly complaints: readonly string[];
  readonly facts: Readonly<Record<string, number>>;
};

/** The trace, in the folder of its run. */
export const traceName = "trace";
const pairs = 2;

/** A new folder in memory: the trace records the syncs, so the real disk need not do them. */
export const memoryFolder = (): string => realpathSync(mkdtempSync(join(memoryRoot, "tidings-power-")));

/** Runs a server under load with the shim in it, in `folder`; returns all events in order. */
export async function recordRun(folder: string, options: RecordOptions): Promise<Recording> {
  const { start, shim, seed, starts, messages } = options;
  const chance = createChance(seed);
  const file = join(folder, traceName);
  const trace = openTrace(file);
  const crowd = createCrowd({ pairs, chance: createChance(~seed), log: trace.note });
  const prefix = join(folder, "tidings.db");
  const env = { LD_PRELOAD: shim, TRACE_FILE: file, TRACE_PREFIX: prefix };

  async function load(server: RunningServer): Promise<void> {
    const target = crowd.facts.accepted + messages;
    const until = performance.now() + deadline.bulkMs;
    let isGone = false;
    void server.exited.then(() => (isGone = true));
    const entering = crowd.enter(server.url);
    while (!isGone && crowd.facts.accepted < target) {
      if (performance.now() > until) throw new Error("The crowd is not answered");
      await Bun.sleep(2);
    }
    if (!isGone) await server.stop("SIGTERM");
    await entering;
    await crowd.left();
  }

  /** Returns null when the server was killed before it served. */
  async function startKilled(kill: Readonly<Record<string, string>>): Promise<RunningServer | null> {
    const starting = start({ dir: folder, env: { ...env, ...kill } });
    if (Object.keys(kill).length === 0) return await starting;
    return await starting.catch(() => null);
  }

  try {
    for (let i = 0; i < starts; i++) {
      const isKilled = i < starts - 1 && chance.hits(0.7);
      const server = await startKilled(isKilled ? drawKill(chance) : {});
      try {
        if (server) await load(server);
      } finally {
        await server?.dispose();
      }
      compare(readTrace(file), folder);
    }
  } finally {
    trace.close();
    try {
      endClients();
    } catch (error) {
      crowd.complaints.push(String(error));
    }
  }
  const records = readTrace(file);
  const count = (is: (record: TraceRecord) => boolean): number => records.filter(is).length;
  const facts = {
    accepted: crowd.facts.accepted,
    starts,
    changes: count(({ type }) => type !== "event"),
    syncs: count(({ type }) => type === "sync" || type === "sync folder"),
    checkpoints: countCheckpoints(records, prefix),
  };
  return { records, complaints: crowd.complaints, facts };
}

/**
 * Where a process ends: before some change, or before an fsync, so that the next process finds data that is on no disk yet. Some
 * end early, while they open the database and migrate it.
 */
function drawKill(chance: Chance): Readonly<Record<string, string>> {
  if (chance.hits(0.5)) return { TRACE_KILL_AT_SYNC: String(chance.between(1, 60)) };
  return { TRACE_KILL_AT: String(chance.hits(0.4) ? chance.between(1, 60) : chance.between(60, 4_000)) };
}

/** Stretches in which the database's own file is written. */
function countCheckpoints(records: readonly TraceRecord[], path: string): number {
  let inode = -1;
  let isWriting = false;
  let count = 0;
  for (const record of records) {
    if (record.type === "open" && record.path === path) inode = record.inode;
    if (record.type !== "write" && record.type !== "sync") continue;
    const isOwn = record.inode === inode;
    if (isOwn && record.type === "write" && !isWriting) count++;
    isWriting = isOwn && record.type === "write";
  }
  return count;
}

/** The files of the trace are the real ones, byte for byte: the trace has every change. */
export function compare(records: readonly TraceRecord[], folder: string): void {
  const disk = createDisk();
  for (const record of records) disk.apply(record);
  const traced = disk.current();
  const names = readdirSync(folder).filter((name) => name.startsWith("tidings.db") && !name.endsWith("-shm"));
  for (const path of new Set([...traced.keys(), ...names.map((name) => join(folder, name))])) {
    const expected = traced.get(path);
    const found = existsSync(path) ? readFileSync(path) : undefined;
    const isSame = found === undefined ? expected === undefined : expected?.equals(found) === true;
    if (!isSame) throw new Error(`The trace has ${path} with ${expected?.length} bytes, there are ${found?.length}`);
  }
}
