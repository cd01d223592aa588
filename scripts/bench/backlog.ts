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
      await fillBacklog(port, { messages, textBytes });
      const before = await settledRssBytes(pid);
      forgetPeak(pid);
      const times: number[] = [];
      let peak = 0;
      for (let i = 0; i < repetitions; i++) {
        times.push(await receiveBacklog(port, messages));
        if (i === 0) peak = peakRssBytes(pid);
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

/** Sends messages to a user who is away. */
export async function fillBacklog(
  port: number,
  { messages: count, textBytes }: { readonly messages: number; readonly textBytes: number },
): Promise<void> {
  const each = count / senders;
  const text = "x".repeat(textBytes);
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

/** Receives all of them over a new connection, and answers how long it took, in milliseconds. It acks nothing, so that the next one finds the same. */
export async function receiveBacklog(port: number, count: number): Promise<number> {
  const start = performance.now();
  const client = new LoadClient({ port, user });
  await client.caughtUp;
  const ms = performance.now() - start;
  if (client.messages !== count) throw new Error(`${client.messages} of ${count} messages came`);
  client.close();
  await client.closed;
  return ms;
}
