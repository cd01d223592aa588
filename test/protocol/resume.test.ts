import { afterEach, describe, expect, test } from "bun:test";
import { rmSync } from "node:fs";
import {
  type Client,
  connect,
  connectRaw,
  createFrameCheck,
  endClients,
  hasReceipt,
  hasText,
  isChanges,
  join,
  opcode,
  wsPath,
} from "../support/client.ts";
import { type RunningServer, startServer, type StartOptions, temporaryFolder } from "../support/server.ts";
import { deadline } from "../support/deadline.ts";

const backlog = 4_000;
/** How long a client stops reading; STALL_MS=60000 for the long run. */
const stallMs = Number(process.env["STALL_MS"] ?? "3000");
/** The allowed growth of the server's memory after warm-up. */
const growthBytesMax = 40 * 1_048_576;
const mebibyte = 1_048_576;

const running: RunningServer[] = [];
const folders: string[] = [];
async function start(options: StartOptions = {}): Promise<RunningServer> {
  const server = await startServer(options);
  running.push(server);
  return server;
}
afterEach(async () => {
  try {
    endClients();
  } finally {
    for (const server of running.splice(0)) await server.dispose();
    for (const dir of folders.splice(0)) rmSync(dir, { recursive: true, force: true });
  }
});

const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 1);

/** Sends `count` messages as fast as the window lets them, numbered from `first`. */
async function sendMany(
  from: Client,
  to: string,
  options: { first: number; count: number; text?: string },
): Promise<void> {
  const { first, count, text = "" } = options;
  for (let i = 0; i < count; i++) from.post({ to }, `m${first + i}${text}`);
  await from.when(() => from.unanswered().length === 0, deadline.bulkMs, `${count} answers`);
}

/** Samples the server's memory until it is stopped; returns the highest value. */
function watchMemory(server: RunningServer): () => number {
  let peak = server.residentBytes();
  const timer = setInterval(() => (peak = Math.max(peak, server.residentBytes())), 25);
  return () => {
    clearInterval(timer);
    return Math.max(peak, server.residentBytes());
  };
}

describe("resume", () => {
  test(`D1 O3 O6 P16 ${backlog} messages wait through a kill -9 and come in order, while new ones are sent and memory stays flat`, async () => {
    const dir = temporaryFolder();
    folders.push(dir);
    const first = await start({ dir });
    const sender = await join(first.url, { user: "alice" });
    await sendMany(sender, "bob", { first: 1, count: backlog });
    await first.kill9();

    const second = await start({ dir });
    const alice = await join(second.url, { user: "alice" });
    alice.forget();
    // Warm-up: the same work once, by a user without acks.
    const warm = await connect(second.url, { user: "bob", device: "warm" });
    await warm.when(() => warm.messages().length === backlog, deadline.bulkMs);
    warm.terminate();
    const baseline = second.residentBytes();
    const peak = watchMemory(second);

    const bob = await connect(second.url, { user: "bob", device: "b1" });
    const texts: string[] = [];
    let acks = 0;
    bob.tap((frame) => {
      if (frame.type !== "changes") return;
      for (const change of frame.changes) if (change.kind === "message") texts.push(change.text);
      if (bob.isOpen()) bob.ack(frame.cursor);
      acks++;
    });
    for (const frame of bob.frames)
      if (frame.type === "changes")
        for (const change of frame.changes) if (change.kind === "message") texts.push(change.text);
    // In small bursts, so that they fall between the pages.
    const news = 1_000;
    for (let i = 0; i < news; i += 20) {
      await sendMany(alice, "bob", { first: backlog + 1 + i, count: 20 });
      await Bun.sleep(1);
    }
    await bob.when(() => texts.length >= backlog + news, deadline.bulkMs, "everything");
    expect(texts).toEqual(upTo(backlog + news).map((i) => `m${i}`));
    expect(acks).toBeGreaterThan(10);
    const pages = bob.frames.filter(isChanges);
    expect(pages.slice(0, 3).every(({ more }) => more)).toBe(true);
    await alice.next(hasReceipt("bob", { delivered: 1 }), 100).catch(() => null);
    const growth = peak() - baseline;
    console.log(`resume: ${(baseline / mebibyte).toFixed(0)} MiB, grew by ${(growth / mebibyte).toFixed(1)} MiB`);
    expect(growth).toBeLessThan(growthBytesMax);

    // Once the ack is committed, neither that device nor a new one gets anything again.
    let devices = 0;
    const left = async (): Promise<number> => {
      const device = await join(second.url, { user: "bob", device: `new${devices++}` });
      device.terminate();
      return device.messages().length;
    };
    while ((await left()) > 0) await Bun.sleep(100);
    await bob.close();
    expect((await join(second.url, { user: "bob", device: "b1" })).messages()).toEqual([]);
    expect((await join(second.url, { user: "bob", device: "b9" })).messages()).toEqual([]);
  });

  test(
    "P41 R3 a client that stops reading costs no memory, and gets everything in order on that socket or after resuming",
    async () => {
      // A flood of one sender, which the rates would refuse.
      const server = await start({ env: { RATE_WORK_USER: "off", RATE_WORK_ADDRESS: "off" } });
      const alice = await join(server.url, { user: "alice" });
      alice.forget();
      const text = ` ${"x".repeat(16_000)}`;
      const count = 2_000;
      // Warm-up: as much traffic to a reader that keeps up, so that the database's own cache is full.
      const warm = await connectRaw(server.port, wsPath({ user: "warm" }), { doesPong: true });
      await sendMany(alice, "warm", { first: 1, count: 2 * count, text });
      warm.end();
      const baseline = server.residentBytes();
      const peak = watchMemory(server);

      // Four readers: their unread data is three times the bound, if it were kept anywhere.
      const readers = await Promise.all(
        upTo(4).map((i) => connectRaw(server.port, wsPath({ user: "slow", device: `s${i}` }), { doesPong: true })),
      );
      for (const reader of readers) reader.pause();
      const end = performance.now() + stallMs;
      let sent = 0;
      while (sent < count || performance.now() < end) {
        // More than the buffers of two kernels can hold; then a trickle, as long as the stall lasts.
        const burst = sent < count ? 50 : 1;
        await sendMany(alice, "slow", { first: sent + 1, count: burst, text });
        sent += burst;
        if (burst === 1) await Bun.sleep(50);
      }
      for (const reader of readers) expect(reader.bytesReceived()).toBeLessThan((sent * text.length) / 4);
      const growth = peak() - baseline;
      console.log(
        `stall: ${sent} messages, ${(baseline / mebibyte).toFixed(0)} MiB, grew by ${(growth / mebibyte).toFixed(1)} MiB`,
      );
      expect(readers.length * sent * text.length).toBeGreaterThan(3 * growthBytesMax);
      expect(growth).toBeLessThan(growthBytesMax);

      for (const [i, reader] of readers.entries()) {
        const seqs: number[] = [];
        const check = createFrameCheck();
        let cursor = "";
        const take = (data: string): void => {
          const frame = check.see(data);
          if (frame === null || !("cursor" in frame)) return;
          cursor = frame.cursor;
          if (frame.type !== "changes") return;
          for (const change of frame.changes) if (change.kind === "message") seqs.push(change.seq);
        };
        for (const frame of reader.frames) if (frame.opcode === opcode.text) take(frame.payload.toString());
        reader.onFrame((frame) => {
          if (frame.opcode === opcode.text) take(frame.payload.toString());
        });
        reader.resume();
        const end = performance.now() + deadline.bulkMs;
        while (seqs.length < sent && !reader.isGone() && performance.now() < end) await Bun.sleep(20);
        expect(check.faults).toEqual([]);
        if (reader.isGone()) {
          // Closing as too slow is allowed with its code, if a resume brings the rest.
          expect(reader.closed()?.code).toBe(4_413);
          const device = `s${i + 1}`;
          const again = await connect(server.url, { user: "slow", device, ...(cursor === "" ? {} : { cursor }) });
          await again.when(() => again.messages().length === sent - seqs.length, deadline.bulkMs);
          seqs.push(...again.messages().map(({ seq }) => seq));
        }
        reader.end();
        expect(seqs).toEqual(upTo(sent));
      }
    },
    deadline.testMs + 2 * stallMs,
  );

  test("P41 others are served as usual while one client does not read", async () => {
    const server = await start();
    const slow = await connectRaw(server.port, wsPath({ user: "slow" }));
    slow.pause();
    const alice = await join(server.url, { user: "alice" });
    const bob = await join(server.url, { user: "bob" });
    /** How long a message to bob takes, as the median of 25. */
    async function talk(name: string): Promise<number> {
      const tookMs: number[] = [];
      for (let i = 0; i < 25; i++) {
        const at = performance.now();
        await alice.sendOk({ to: "bob" }, `${name} ${i}`);
        await bob.next(hasText(`${name} ${i}`));
        tookMs.push(performance.now() - at);
      }
      return tookMs.toSorted((a, b) => a - b)[12] ?? Number.NaN;
    }
    await talk("warm");
    const before = await talk("before");
    await sendMany(alice, "slow", { first: 1, count: 1_500, text: "x".repeat(16_000) });
    const meanwhile = await talk("meanwhile");
    if (process.env["SAY"]) console.log({ before, meanwhile });
    expect(meanwhile).toBeLessThan(10 * before);
    slow.end();
  });

  test("O3 P9 two devices get everything once and ack separately; a third starts after the delivered messages", async () => {
    const server = await start();
    const alice = await join(server.url, { user: "alice" });
    const devices = ["b1", "b2"] as const;
    // Both are known before anything is acked.
    for (const device of devices) (await join(server.url, { user: "bob", device })).terminate();
    await sendMany(alice, "bob", { first: 1, count: 600 });

    const one = await join(server.url, { user: "bob", device: "b1" });
    await one.when(() => one.messages().length === 600);
    one.ack();
    await alice.next(hasReceipt("bob", { delivered: 600 }));
    await sendMany(alice, "bob", { first: 601, count: 100 });
    await one.when(() => one.messages().length === 700);

    const two = await join(server.url, { user: "bob", device: "b2" });
    await two.when(() => two.messages().length === 700);
    for (const client of [one, two]) {
      expect(client.messages().map(({ seq }) => seq)).toEqual(upTo(700));
      expect(client.messages().map(({ text }) => text)).toEqual(upTo(700).map((i) => `m${i}`));
    }
    // Two has acked nothing and gets everything again; one gets only the messages after its ack.
    await one.close();
    await two.close();
    const again = await join(server.url, { user: "bob", device: "b2" });
    await again.when(() => again.messages().length === 700);
    const oneAgain = await join(server.url, { user: "bob", device: "b1" });
    expect(oneAgain.messages().map(({ seq }) => seq)).toEqual(upTo(700).slice(600));
    const third = await join(server.url, { user: "bob", device: "b3" });
    expect(third.messages().map(({ seq }) => seq)).toEqual(upTo(700).slice(600));
    const marks = [...alice.receipts(), ...third.receipts()].map(({ delivered }) => delivered);
    expect(Math.max(...marks)).toBe(600);
  });
});
