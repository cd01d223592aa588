import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Benchmark } from "./benchmark.ts";
import { device } from "./client/device.ts";
import { firstMessage } from "./client/first-message.ts";
import { reading } from "./client/reading.ts";
import { sizes } from "./client/sizes.ts";
import { withScratch } from "./scratch.ts";

/** The client, its hooks and the page: sizes beside other clients, and times and memory in Chromium. */
export const client: Benchmark = () =>
  withScratch(async (folder) => {
    const part = (name: string): string => {
      const path = join(folder, name);
      mkdirSync(path);
      return path;
    };
    const small = await sizes();
    const browsed = [];
    for (const [name, run] of Object.entries({ firstMessage, device, reading }))
      browsed.push(...(await run(part(name))));
    return [...small, ...browsed];
  });
