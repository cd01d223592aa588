/** What a commit writes, of both stores, in this process: frames of the log, and processor time. Prints its measurements as JSON. */
import { statSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../../../src/internal/clock.ts";
import { systemRandom } from "../../../src/internal/random.ts";
import type { Identity } from "../../../src/model.ts";
import { defaultLimits } from "../../../src/protocol/limits.ts";
import { createEmbeddedEngine } from "../../../src/store/engine/embedded.ts";
import { createStore } from "../../../src/store/libsql-store.ts";
import type { Accepted, Send } from "../../../src/store/store.ts";
import { answer, childInput } from "../child.ts";
import { NaiveStore } from "../naive/store.ts";
import { peersOf, type Population, senderName } from "../storage/seed.ts";

export type StorePagesInput = {
  readonly folder: string;
  readonly side: "naive" | "tidings";
  readonly population: Population;
  readonly textBytes: number;
  /** Messages alone in their commit, each with its ack and its read; and commits of a hundred messages. */
  readonly loneRounds: number;
  readonly fullRounds: number;
};

/** Of each: frames of the log, and processor time in microseconds. `lone…`: a commit of one; `full`: a message at a hundred a commit. */
export type StorePagesAnswer = Readonly<Record<"lone" | "ack" | "read" | "full", Cost>>;
type Cost = { readonly frames: number; readonly cpuMicros: number };

/** A side, as this measures it. Each call is one commit. */
type Subject = {
  send(sends: readonly Send[]): Promise<readonly Receipt[]>;
  ack(user: string, n: number): Promise<void>;
  read(user: string, receipt: Receipt): Promise<void>;
  close(): Promise<void>;
};
type Receipt = Pick<Accepted, "n" | "conversation" | "seq">;

/** A page of 4,096 bytes and its header. */
const frameBytes = 4_120;
const fullSends = 100;

const input = childInput<StorePagesInput>();
const path = join(input.folder, "chat.db");
const text = "x".repeat(input.textBytes);
const peers = Array.from({ length: input.population.senders }, (_, i) => peersOf(input.population, i));

async function openTidings(): Promise<Subject> {
  // The log is not moved into the file meanwhile: its size would no longer say what a commit wrote.
  const { rest: _, ...engine } = createEmbeddedEngine({ path });
  // Acks and reads gather for a moment only: this waits for each of them.
  const limits = { ...defaultLimits, marksDelayMs: 1 };
  const onFault = (fault: unknown): never => {
    throw fault;
  };
  await engine.read([{ sql: "PRAGMA wal_autocheckpoint = 0" }]);
  const store = createStore({ engine, clock: systemClock, random: systemRandom, limits, onFault });
  await store.head();
  const who = (user: string): Identity => ({ tenant: "default", user });
  const stored = (mark: (settle: (isStored: boolean) => void) => void): Promise<void> =>
    new Promise((resolve, reject) => mark((isStored) => (isStored ? resolve() : reject(new Error("Not stored")))));
  return {
    send: (sends) =>
      Promise.all(
        sends.map(
          (send) =>
            new Promise<Accepted>((resolve, reject) =>
              store.append(send, (outcome) =>
                outcome.type === "accepted" ? resolve(outcome) : reject(new Error(outcome.code)),
              ),
            ),
        ),
      ),
    ack: (user, n) => stored((settle) => store.ack(who(user), "d1", n, settle)),
    read: (user, { conversation, seq }) => stored((settle) => store.read(who(user), conversation, seq, settle)),
    close: () => store.close(),
  };
}

async function openNaive(): Promise<Subject> {
  const store = new NaiveStore(path);
  store.pragma("wal_autocheckpoint = 0");
  return {
    send: async (sends) =>
      store.commit(
        sends.map(({ id, from, to = "", text }) => ({ id, from, to, text })),
        new Map(),
      ),
    ack: async (user, n) => void store.commit([], new Map([[user, n]])),
    // It has no reads.
    read: async () => {},
    close: async () => {},
  };
}

const random = (below: number): number => Math.floor(Math.random() * below);

function randomSend(): Send & { readonly to: string } {
  const sender = random(peers.length);
  const of = peers[sender] ?? [];
  return {
    ...{ tenant: "default", from: senderName(sender), to: of[random(of.length)] ?? "", id: Bun.randomUUIDv7(), text },
  };
}

function createMeter() {
  let [frames, micros, count] = [0, 0, 0];
  const logFrames = (): number =>
    Math.floor((statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0) / frameBytes);
  return {
    async take<T>(items: number, use: () => Promise<T>): Promise<T> {
      const before = logFrames();
      const cpu = process.cpuUsage();
      const result = await use();
      const { user, system } = process.cpuUsage(cpu);
      frames += logFrames() - before;
      micros += user + system;
      count += items;
      return result;
    },
    cost: (): Cost => ({ frames: frames / count, cpuMicros: micros / count }),
  };
}

const subject = await (input.side === "naive" ? openNaive() : openTidings());
const meters = { lone: createMeter(), ack: createMeter(), read: createMeter(), full: createMeter() };
// The first commits load statements and pages, and write the mark of the file.
for (let i = 0; i < 3; i++) await subject.send([randomSend(), randomSend()]);
for (let i = 0; i < input.loneRounds; i++) {
  const send = randomSend();
  const receipt = await meters.lone.take(1, async () => (await subject.send([send]))[0]);
  if (!receipt) throw new Error("A message was not accepted");
  await meters.ack.take(1, () => subject.ack(send.to, receipt.n));
  await meters.read.take(1, () => subject.read(send.to, receipt));
}
for (let i = 0; i < input.fullRounds; i++) {
  const sends = Array.from({ length: fullSends }, randomSend);
  const receipts = await meters.full.take(fullSends, () => subject.send(sends));
  if (new Set(receipts.map(({ n }) => n)).size !== fullSends) throw new Error("Messages of a commit were lost");
}
await subject.close();
const { lone, ack, read, full } = meters;
answer({ lone: lone.cost(), ack: ack.cost(), read: read.cost(), full: full.cost() } satisfies StorePagesAnswer);
process.exit(0);
