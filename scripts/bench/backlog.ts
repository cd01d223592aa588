import type { Benchmark } from "./benchmark.ts";
import { measure } from "./benchmark.ts";
import { LoadClient } from "./load/client.ts";
import { forgetPeak, peakRssBytes, settledRssBytes } from "./process-usage.ts";
import { withScratch } from "./scratch.ts";
import { withServer } from "./server-process.ts";
import { median } from "./statistics.ts";

const messages = 10_000;
const senders = 10;
const repetitions = 9;
const user = "waiting";

/** Messages that wait for one user: how fast they arrive once the user connects, and their cost in memory. */
export const backlog: Benchmark = async ({ textBytes, commitDelayMs }) =>
  withScratch((folder) =>
    withServer({ folder, commitDelayMs }, async ({ port, pid }) => {
      await fill(port, "x".repeat(textBytes));
      const before = await settledRssBytes(pid);
      forgetPeak(pid);
      const times: number[] = [];
      let peak = 0;
      for (let i = 0; i < repetitions; i++) {
        const start = performance.now();
        // It acks nothing, so that the next one finds the same backlog.
        const client = new LoadClient({ port, user });
        await client.caughtUp;
        times.push(performance.now() - start);
        if (i === 0) peak = peakRssBytes(pid);
        if (client.messages !== messages) throw new Error(`${client.messages} of ${messages} messages came`);
        client.close();
        await client.closed;
      }
      const last = peakRssBytes(pid);
      return [
        measure(`${messages} messages received`, "ms", median(times)),
        measure("the same, first time", "ms", times[0] ?? Number.NaN),
        measure("received", "messages/s", (messages * 1_000) / median(times)),
        measure("server's memory, growth of the peak, first time", "MB", (peak - before) / 1e6),
        measure(`the same after ${repetitions} times`, "MB", (last - before) / 1e6),
      ];
    }),
  );

async function fill(port: number, text: string): Promise<void> {
  const each = messages / senders;
  await Promise.all(
    Array.from({ length: senders }, async (_, i) => {
      const all = Promise.withResolvers<void>();
      let accepted = 0;
      const onAccepted = (): void => {
        if (++accepted === each) all.resolve();
      };
      const client = new LoadClient({ port, user: `sender-${i}` }, { onAccepted });
      await client.caughtUp;
      for (let k = 0; k < each; k++) client.send(user, text);
      await all.promise;
      client.close();
    }),
  );
}
