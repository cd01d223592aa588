import { expect, test } from "bun:test";
import { defaultLimits, type Limits } from "../../../src/protocol/limits.ts";
import type { Waiting } from "../../../src/store/write/batch.ts";
import { createSendQueue } from "../../../src/store/write/send-queue.ts";
import { createSenderRates } from "../../../src/store/write/sender-rates.ts";
import { createChance } from "../../proof/sim/chance.ts";
import { fakeClock } from "../../support/fake-clock.ts";
import { newId } from "../../support/store.ts";

const { commitHeavySendsMax, commitSendsMax, lightSendsMax } = defaultLimits;

type Queue = Pick<ReturnType<typeof createSendQueue>, "append" | "take" | "size">;

const open = { isOpen: () => true, onWork: () => {} };

const add = (queue: Pick<Queue, "append">, from: string, text: string): void =>
  queue.append({ tenant: "default", from, to: "nobody", id: newId(), text }, () => {});
const flood = (queue: Pick<Queue, "append">, sends: number): void => {
  for (let i = 0; i < sends; i++) add(queue, `flooder${i % 20}`, String(i));
};
const of = (commit: readonly Waiting[], from: string): number => commit.filter(({ send }) => send.from === from).length;

/** A flood has gone on for a while, then one person writes once: what the next commits take. */
async function floodThenOne(limits: Partial<Limits> = {}) {
  const clock = fakeClock();
  const queue = createSendQueue({ ...open, clock, limits: { ...defaultLimits, ...limits } });
  flood(queue, commitSendsMax);
  while (queue.size() > 0) queue.take();
  await clock.advance(1_500);
  flood(queue, 2 * commitSendsMax);
  const alone = queue.take();
  flood(queue, alone.length);
  add(queue, "alice", "hello");
  return { alone, next: queue.take() };
}

test("S14 R2 a single message goes into the next commit, which is short, however many others flood", async () => {
  const { next } = await floodThenOne();
  expect(of(next, "alice")).toBe(1);
  expect(next).toHaveLength(commitHeavySendsMax + 1);
});

test("S14 without interactive senders, commits are as large as allowed", async () => {
  const { alone } = await floodThenOne();
  expect(alone).toHaveLength(commitSendsMax);
});

test("control: S14 R2 a queue that treats all alike has the one wait for a whole commit of others", async () => {
  const { next } = await floodThenOne({ commitHeavySendsMax: commitSendsMax });
  expect(next).toHaveLength(commitSendsMax);
});

/** One sender has hundreds of long texts waiting, another one a few: which places these get in the next commits. */
function behindLongTexts(order: (sends: readonly (readonly [string, string])[]) => typeof sends) {
  const queue = createSendQueue({ ...open, clock: fakeClock(), limits: { ...defaultLimits, lightSendsMax: 0 } });
  const long = Array.from({ length: 300 }, () => ["flooder", "x".repeat(16_000)] as const);
  const few = Array.from({ length: 5 }, () => ["bot", "hello"] as const);
  for (const [from, text] of order([...long, ...few])) add(queue, from, text);
  return queue.take();
}

test("S14 R2 senders take turns: however much one has waiting, what others have is in the next commit", () => {
  const next = behindLongTexts((sends) => sends);
  expect(of(next, "bot")).toBe(5);
  expect(next.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThan(defaultLimits.commitBytesMax + 20_000);
});

test("control: S14 R2 with one queue for all, the others wait behind whole commits", () => {
  const next = behindLongTexts((sends) => sends.map(([, text]) => ["all", text] as const));
  expect(next.filter(({ send }) => send.text === "hello")).toEqual([]);
});

test("S14 while interactive senders are active, long texts of all others fill only a part of a commit", () => {
  const queue = createSendQueue({ ...open, clock: fakeClock(), limits: defaultLimits });
  for (let i = 0; i < 100; i++) add(queue, "flooder", "x".repeat(16_000));
  queue.take();
  add(queue, "alice", "hello");
  const next = queue.take();
  expect(of(next, "alice")).toBe(1);
  expect(next.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThan(defaultLimits.commitHeavyBytesMax + 20_000);
});

test("S14 a sender of no more than a few messages in two seconds counts as interactive, and becomes interactive again", async () => {
  const clock = fakeClock();
  const rates = createSenderRates({ clock, sendsMax: lightSendsMax });
  const verdicts = (): boolean[] => Array.from({ length: lightSendsMax + 1 }, () => rates.isLight("alice"));
  expect(verdicts()).toEqual([...Array<boolean>(lightSendsMax).fill(true), false]);
  await clock.advance(1_000);
  expect(rates.isLight("alice")).toBe(false);
  expect(rates.areLightAbout()).toBe(false);
  expect(rates.isLight("bob")).toBe(true);
  expect(rates.areLightAbout()).toBe(true);
  await clock.advance(2_000);
  expect(rates.areLightAbout()).toBe(false);
  expect(rates.isLight("alice")).toBe(true);
});

/** Any mix of senders, retries and pauses, with queues of any size: the sends that were lost, doubled or out of order. */
async function wrongsOf(seed: number, wrap = (queue: Queue): Queue => queue): Promise<string[]> {
  const chance = createChance(seed);
  const clock = fakeClock();
  const limits = {
    ...defaultLimits,
    commitSendsMax: chance.pick([1, 3, 20]),
    commitHeavySendsMax: chance.pick([1, 2, 8]),
    lightSendsMax: chance.pick([1, 4]),
  };
  const queue = wrap(createSendQueue({ ...open, clock, limits }));
  const next = new Map<string, number>();
  const wrongs: string[] = [];
  let pushed = 0;
  let took = 0;
  const take = (): void => {
    for (const { send } of queue.take()) {
      took++;
      const wanted = next.get(send.from) ?? 0;
      if (send.text !== String(wanted)) wrongs.push(`${send.from}: ${send.text} in place of ${wanted}`);
      next.set(send.from, wanted + 1);
    }
  };
  const counts = new Map<string, number>();
  for (let step = 0; step < 200; step++) {
    for (let i = Math.floor(chance.unit() * 12); i > 0; i--) {
      const from = chance.pick(["alice", "bob", "flooder", "flooder", "flooder"]);
      add(queue, from, String(counts.get(from) ?? 0));
      counts.set(from, (counts.get(from) ?? 0) + 1);
      pushed++;
    }
    if (chance.hits(0.3)) await clock.advance(chance.pick([10, 400, 2_500]));
    take();
  }
  for (let i = 0; i <= pushed && queue.size() > 0; i++) take();
  if (took !== pushed) wrongs.push(`${took} of ${pushed} were taken`);
  return wrongs;
}

test("S14 O4 whatever waits, each send is taken once and in its sender's order", async () => {
  for (let seed = 1; seed <= 20; seed++) expect(await wrongsOf(seed), `seed ${seed}`).toEqual([]);
});

test("control: S14 O4 a queue that takes people's sends before all others has some overtake", async () => {
  // One queue for a sender's first sends and one for the rest: the rest of the first queue is overtaken by the second.
  const planted = (queue: Queue): Queue => {
    const rest: Parameters<Queue["append"]>[] = [];
    let pushes = 0;
    return {
      append: (...send) => void (pushes++ % 3 === 0 ? rest.push(send) : queue.append(...send)),
      take() {
        const taken = queue.take();
        for (const send of rest.splice(0)) queue.append(...send);
        return taken;
      },
      size: () => queue.size() + rest.length,
    };
  };
  expect((await wrongsOf(1, planted)).length).toBeGreaterThan(0);
});

test("S2 two sends of one id never share a commit", () => {
  const queue = createSendQueue({ ...open, clock: fakeClock(), limits: defaultLimits });
  const send = { tenant: "default", from: "alice", to: "bob", id: newId(), text: "hello" };
  for (let i = 0; i < 3; i++) queue.append(send, () => {});
  expect(queue.take()).toHaveLength(1);
  expect(queue.take()).toHaveLength(1);
  expect(queue.take()).toHaveLength(1);
  expect(queue.size()).toBe(0);
});
