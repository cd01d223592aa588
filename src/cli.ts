#!/usr/bin/env node
import { existsSync, readFileSync } from "node:fs";
import { backupCommand, restoreCommand, epochCommand } from "./cli/backup.ts";
import { chatCommand } from "./cli/chat.ts";
import { group } from "./cli/command.ts";
import { conformCommand } from "./cli/conform.ts";
import { migrateCommand } from "./cli/migrate.ts";
import { runProgram } from "./cli/program.ts";
import { pushCommand } from "./cli/push.ts";
import { serveCommand, serveVariables } from "./cli/serve.ts";
import { vapidCommand } from "./cli/vapid.ts";

const main = group("Durable chat: the standalone server, and the tools beside it", {
  serve: serveCommand,
  migrate: migrateCommand,
  backup: backupCommand,
  restore: restoreCommand,
  epoch: epochCommand,
  push: pushCommand,
  chat: chatCommand,
  conform: conformCommand,
  vapid: vapidCommand,
});

/** The version in package.json, which is beside this file in the built package, and one folder up in the repository. */
function readVersion(): string {
  const [file] = ["./package.json", "../package.json"]
    .map((path) => new URL(path, import.meta.url))
    .filter((url) => existsSync(url));
  return file ? (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version : "unknown";
}

await runProgram({
  name: "tidings",
  main,
  rawArgs: process.argv.slice(2),
  version: readVersion,
  notes: { serve: serveVariables },
});
