import { ChatError } from "../error.ts";
import type { Command } from "./command.ts";
import { usageOf } from "./usage.ts";

export type Program = {
  readonly name: string;
  readonly main: Command;
  /** The words of the command line, without the program's own. */
  readonly rawArgs: readonly string[];
  /** The text that `--version` prints; absent: there is no such flag. */
  readonly version?: () => string;
  /** A text at the end of a command's help, by the name of the command. */
  readonly notes?: Readonly<Record<string, string>>;
};

/** Runs a command line: help where it is asked for, errors as text on the standard error, and exit code 1 after one. */
export async function runProgram({ name, main, rawArgs, version, notes = {} }: Program): Promise<void> {
  try {
    if (version !== undefined && rawArgs[0] === "--version") return console.log(version());
    if (rawArgs.some((arg) => arg === "--help" || arg === "-h")) {
      console.log(helpOf(name, main, rawArgs));
      const note = notes[rawArgs[0] ?? ""];
      if (note !== undefined) console.log(`\n${note}`);
      return;
    }
    await runCommand(main, rawArgs);
  } catch (error) {
    console.error(error instanceof ChatError ? error.message : error);
    process.exitCode = 1;
  }
}

/** The command that the first words name, and the words after it. A flag before a command is refused: it would not reach the command. */
async function runCommand(main: Command, rawArgs: readonly string[]): Promise<void> {
  let command = main;
  let rest = rawArgs;
  while (command.type === "group") {
    const [word, ...others] = rest;
    if (word === undefined)
      throw new ChatError("config_invalid", "No command given. Run with --help to see the commands");
    if (word.startsWith("-")) throw new ChatError("config_invalid", `The command comes first, got ${word}`);
    const next: Command | undefined = Object.hasOwn(command.commands, word) ? command.commands[word] : undefined;
    if (next === undefined)
      throw new ChatError("config_invalid", `Unknown command ${word}. Run with --help to see the commands`);
    [command, rest] = [next, others];
  }
  await command.run(rest);
}

/** The help of the command that the words name, as far as they name one. */
function helpOf(name: string, main: Command, rawArgs: readonly string[]): string {
  let [path, command] = [name, main];
  for (const word of rawArgs) {
    if (command.type !== "group" || !Object.hasOwn(command.commands, word)) continue;
    const next = command.commands[word];
    if (next !== undefined) [path, command] = [`${path} ${word}`, next];
  }
  return usageOf(path, command);
}
