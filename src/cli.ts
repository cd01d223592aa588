#!/usr/bin/env bun
import { defineCommand, runCommand, runMain } from "citty";
import { systemRandom } from "./internal/random.ts";
import { newEpoch } from "./store/epoch.ts";
import { openEngine } from "./store/engine/open.ts";

const database = {
  database: { type: "string", description: "The database; default: DATABASE_URL, then file:tidings.db" },
  "auth-token": { type: "string", description: "Its token; default: DATABASE_AUTH_TOKEN" },
} as const;

const epochNew = defineCommand({
  meta: { name: "new", description: "Names a new history after a restore: devices drop their caches and fetch again" },
  args: database,
  async run({ args }) {
    const authToken = args["auth-token"] ?? process.env["DATABASE_AUTH_TOKEN"];
    const url = args.database ?? process.env["DATABASE_URL"] ?? "file:tidings.db";
    const engine = openEngine({ url, ...(authToken ? { authToken } : {}) });
    try {
      process.stdout.write(`epoch ${await newEpoch(engine, systemRandom)}\n`);
    } finally {
      await engine.close();
    }
  },
});

const main = defineCommand({
  meta: { name: "tidings", description: "Durable chat: the tools beside the server" },
  subCommands: {
    epoch: defineCommand({
      meta: { name: "epoch", description: "The name of the log's history" },
      subCommands: { new: epochNew },
    }),
  },
});

const rawArgs = process.argv.slice(2);
if (rawArgs.length === 0 || rawArgs.includes("--help") || rawArgs.includes("-h")) await runMain(main, { rawArgs });
else
  await runCommand(main, { rawArgs }).catch((error: unknown) => {
    process.stderr.write(`tidings: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  });
