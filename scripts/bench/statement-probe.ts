/**
 * Loaded before a server: counts the statements that it runs, and their processor time. When the server ends, it writes a table to STATEMENTS_FILE.
 *
 *   STATEMENTS_FILE=/tmp/statements.md BENCH_SERVER_FLAGS="--preload $PWD/scripts/bench/statement-probe.ts" bun run bench …
 */
import { writeFileSync } from "node:fs";
import Database from "libsql";
import PromiseDatabase from "libsql/promise";
import * as positions from "../../src/store/device-position-sql.ts";
import * as people from "../../src/store/read/people-sql.ts";
import * as sql from "../../src/store/sql.ts";
import * as marks from "../../src/store/write/marks-sql.ts";
import * as sends from "../../src/store/write/send-sql.ts";
import { toTable } from "../page-part.ts";

type Cost = { calls: number; micros: number };

const nameOf = new Map(
  [positions, people, sql, marks, sends].flatMap((module) =>
    Object.entries(module).flatMap(([name, text]) => (typeof text === "string" ? [[text, name] as const] : [])),
  ),
);
const costs = new Map<string, Cost>();
/** Commits by what is in them. */
const commits = new Map<string, number>();
let content: string[] = [];
let messages = 0;
/** The first ones make devices and conversations, and compile code. */
const warmUpMessages = 200;
let warmUp: "running" | "over" = "running";
let start = process.cpuUsage();

const shorten = (text: string): string => nameOf.get(text) ?? text.replace(/\s+/g, " ").trim().slice(0, 50);

function measured<T>(name: string, run: () => T): T {
  const before = process.cpuUsage();
  const result = run();
  const { user, system } = process.cpuUsage(before);
  const cost = costs.get(name) ?? { calls: 0, micros: 0 };
  costs.set(name, { calls: cost.calls + 1, micros: cost.micros + user + system });
  return result;
}

function noteContent(name: string, rows: number): void {
  const isInsert = name === "insertMessages" || name === "insertMessage";
  if (isInsert) messages += rows;
  if (isInsert || name === "deliverByAcks" || name === "readMarks") content.push(name);
  if (name === "BEGIN IMMEDIATE") content = [];
  if (name !== "COMMIT") return;
  if (warmUp === "running" && messages >= warmUpMessages) {
    warmUp = "over";
    messages = 0;
    start = process.cpuUsage();
    costs.clear();
    commits.clear();
    return;
  }
  const kind = content.join(" + ") || "others";
  commits.set(kind, (commits.get(kind) ?? 0) + 1);
}

const prototype: Database.Database = Database.prototype;
const { exec, prepare } = prototype;
prototype.exec = function (this: Database.Database, text: string) {
  noteContent(text, 0);
  return measured(text, () => exec.call(this, text));
};
// Some commits run on a thread of the driver: they are counted, but other work of the process runs meanwhile.
const execAside: (this: unknown, text: string) => Promise<unknown> = PromiseDatabase.prototype.exec;
PromiseDatabase.prototype.exec = function (text: string) {
  noteContent(text, 0);
  return execAside.call(this, text);
};
prototype.prepare = function (this: Database.Database, text: string) {
  const statement = prepare.call(this, text) as Database.Statement<unknown[]>;
  const name = shorten(text);
  const all = statement.all.bind(statement);
  const run = statement.run.bind(statement);
  statement.all = (...args: unknown[]) => {
    const rows = measured(name, () => all(...args));
    noteContent(name, rows.length);
    return rows;
  };
  statement.run = (...args: unknown[]) => {
    noteContent(name, 0);
    return measured(name, () => run(...args));
  };
  return statement;
} as typeof prepare;

/** Smaller shares are left out. */
const shownShare = 500;

process.on("exit", () => {
  const all = [...costs].toSorted(([, a], [, b]) => b.micros - a.micros);
  const total = all.reduce((sum, [, { micros }]) => sum + micros, 0);
  const { user, system } = process.cpuUsage(start);
  const shown = all.filter(([, { micros }]) => micros > total / shownShare);
  const rows = shown.map(([name, { calls, micros }]) => [
    name,
    (calls / messages).toFixed(3),
    (micros / calls).toFixed(1),
    (micros / messages).toFixed(1),
    `${((100 * micros) / total).toFixed(1)} %`,
  ]);
  const lines = [
    `${messages} messages; processor time of the process ${((user + system) / messages).toFixed(0)} µs a message, of statements ${(total / messages).toFixed(0)}`,
    ...[...commits].map(([kind, count]) => `commits with ${kind}: ${(count / messages).toFixed(3)} a message`),
    "",
    toTable(["statement", "calls a message", "µs a call", "µs a message", "share"], rows),
  ];
  writeFileSync(process.env["STATEMENTS_FILE"] ?? "statements.md", `${lines.join("\n")}\n`);
});
