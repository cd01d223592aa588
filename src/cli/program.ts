import { stripVTControlCharacters } from "node:util";
import { type CommandDef, runCommand, runMain, showUsage } from "citty";
import { ChatError } from "../error.ts";

export type ProgramOptions = {
  /** What `--version` prints; absent: there is none. */
  readonly version?: () => string;
  /** What the help of a command says at its end, by the command's name. */
  readonly notes?: Readonly<Record<string, string>>;
};

/** Runs a command line: help where it is asked for, errors as text on the standard error, and exit code 1 after one. */
export async function runProgram(
  main: CommandDef,
  rawArgs: readonly string[],
  { version, notes = {} }: ProgramOptions = {},
): Promise<void> {
  const args = [...rawArgs];
  try {
    if (version !== undefined && args[0] === "--version") return console.log(version());
    if (args.some((arg) => arg === "--help" || arg === "-h")) {
      const note = notes[args[0] ?? ""];
      return await runMain(main, {
        rawArgs: args,
        async showUsage(command, parent) {
          await showUsage(command, parent);
          if (note !== undefined) console.log(note);
        },
      });
    }
    await refuseFlagBeforeCommand(main, args);
    await runCommand(main, { rawArgs: args });
  } catch (error) {
    if (error instanceof ChatError) console.error(error.message);
    else if (error instanceof Error && error.name === "CLIError") {
      const text = stripVTControlCharacters(error.message).replace(/\.$/, "");
      console.error(`${text}. Run with --help to see the commands`);
    } else console.error(error);
    process.exitCode = 1;
  }
}

/** The parser passes over what stands before a command: a --database there would not be the one that is used. */
async function refuseFlagBeforeCommand(main: CommandDef, args: readonly string[]): Promise<void> {
  let command: CommandDef | undefined = main;
  for (const arg of args) {
    const commands: unknown = await command?.subCommands;
    if (typeof commands !== "object" || commands === null) return;
    if (arg.startsWith("-")) throw new ChatError("config_invalid", `The command comes first, got ${arg}`);
    command = (commands as Readonly<Record<string, CommandDef>>)[arg];
  }
}
