#!/usr/bin/env node
import { defineCommand } from "citty";
import { backupCommand, restoreCommand } from "./cli/backup.ts";
import { epochCommand } from "./cli/epoch.ts";
import { migrateCommand } from "./cli/migrate.ts";
import { runProgram } from "./cli/program.ts";
import { pushCommand } from "./cli/push.ts";
import { serveCommand } from "./cli/serve.ts";
import { vapidCommand } from "./cli/vapid.ts";

const main = defineCommand({
  meta: { name: "tidings", description: "Durable chat: the standalone server, and the tools beside it" },
  subCommands: {
    serve: serveCommand,
    migrate: migrateCommand,
    backup: backupCommand,
    restore: restoreCommand,
    epoch: epochCommand,
    push: pushCommand,
    vapid: vapidCommand,
  },
});

await runProgram(main, process.argv.slice(2));
