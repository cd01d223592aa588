import type { Action, Arg, Command, Group } from "./command.ts";

/** The help of a command: its description, its usage, and its commands or arguments. `name` includes the program: `tidings migrate up`. */
export function usageOf(name: string, command: Command): string {
  const parts = command.type === "group" ? partsOfGroup(name, command) : partsOfAction(name, command);
  return [command.description, ...parts].join("\n\n");
}

function partsOfGroup(name: string, { commands }: Group): readonly string[] {
  const rows = Object.entries(commands).map(([one, { description }]) => [one, description] as const);
  return [
    `USAGE\n  ${name} ${Object.keys(commands).join("|")}`,
    section("COMMANDS", rows),
    `Use ${name} <command> --help for more about a command.`,
  ];
}

function partsOfAction(name: string, { args }: Action): readonly string[] {
  const all = Object.entries(args);
  const words = all.filter(([, { type }]) => type === "positional" || type === "rest");
  const flags = all.filter(([, { type }]) => type === "string" || type === "boolean");
  const usage = [name, ...(flags.length > 0 ? ["[OPTIONS]"] : []), ...words.map(wordOf)].join(" ");
  return [
    `USAGE\n  ${usage}`,
    ...(words.length > 0 ? [section("ARGUMENTS", words.map(rowOf))] : []),
    ...(flags.length > 0 ? [section("OPTIONS", flags.map(rowOf))] : []),
  ];
}

function wordOf([name, arg]: readonly [string, Arg]): string {
  if (arg.type === "rest") return `[${name.toUpperCase()}…]`;
  return arg.type === "positional" && arg.required ? `<${name.toUpperCase()}>` : `[${name.toUpperCase()}]`;
}

function rowOf([name, arg]: readonly [string, Arg]): readonly [string, string] {
  if (arg.type === "boolean") return [`--${name}`, arg.description];
  if (arg.type !== "string") return [name.toUpperCase(), arg.description];
  const text = arg.default === undefined ? arg.description : `${arg.description} (default: ${arg.default})`;
  return [`--${name}=<${name}>`, text];
}

function section(title: string, rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([name]) => name.length));
  return [title, ...rows.map(([name, text]) => `  ${name.padEnd(width)}  ${text}`)].join("\n");
}
