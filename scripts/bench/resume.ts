import type { Benchmark } from "./benchmark.ts";
import { measure } from "./benchmark.ts";
import { LoadClient } from "./load/client.ts";
import { withScratch } from "./scratch.ts";
import { seeded, seedInto } from "./seed.ts";
import { withServer } from "./server-process.ts";
import { median } from "./statistics.ts";

const repetitions = 25;
const busyRepetitions = 5;

/** From connect to the last of the backlog, for users with much data around them and for users with none. */
export const resume: Benchmark = async ({ commitDelayMs }) =>
  withScratch(async (folder) => {
    await seedInto(folder, "chat.db");
    return withServer({ folder, commitDelayMs }, async ({ port }) => {
      const cold = await resumeAs(port, seeded.many);
      await resumeAs(port, seeded.few);
      const many: number[] = [];
      const few: number[] = [];
      // In turn, so that other work on the machine affects both.
      for (let i = 0; i < repetitions; i++) {
        many.push((await resumeAs(port, seeded.many)).ms);
        few.push((await resumeAs(port, seeded.few)).ms);
      }
      const busy: { ms: number; frames: number }[] = [];
      for (let i = 0; i < busyRepetitions; i++) {
        const seen = await resumeAs(port, seeded.busy);
        if (seen.messages !== seeded.busyMessages) throw new Error(`${seen.messages} of ${seeded.busyMessages} came`);
        busy.push(seen);
      }
      return [
        measure("10 000 conversations, 1 000 000 foreign messages", "ms", median(many)),
        measure("the same, first request of the server", "ms", cold.ms),
        measure("10 conversations, nothing foreign", "ms", median(few)),
        measure("factor (goal below 3)", "×", median(many) / median(few)),
        measure("10 000 conversations, each with news", "ms", median(busy.map(({ ms }) => ms))),
        measure("pages (frames) of it", "1/s", median(busy.map(({ ms, frames }) => (frames * 1_000) / ms))),
        measure("messages of it", "1/s", median(busy.map(({ ms }) => (seeded.busyMessages * 1_000) / ms))),
      ];
    });
  });

/** Acks nothing, so that the next run finds the same. */
async function resumeAs(port: number, user: string): Promise<{ ms: number; frames: number; messages: number }> {
  const start = performance.now();
  const client = new LoadClient({ port, user });
  await client.caughtUp;
  const ms = performance.now() - start;
  client.close();
  await client.closed;
  return { ms, frames: client.frames, messages: client.messages };
}
