import { stripVTControlCharacters } from "node:util";
import { type CommandDef, runCommand, runMain } from "citty";
import { ChatError } from "../error.ts";

/** Runs a command line: help where it is asked for, errors as text on the standard error, and exit code 1 after one. */
export async function runProgram(main: CommandDef, rawArgs: readonly string[]): Promise<void> {
  const args = [...rawArgs];
  try {
    const isHelp = args.some((arg) => arg === "--help" || arg === "-h");
    if (!isHelp && args[0]?.startsWith("-"))
      throw new ChatError("config_invalid", `The command comes first, got ${args[0]}`);
    await (isHelp ? runMain(main, { rawArgs: args }) : runCommand(main, { rawArgs: args }));
  } catch (error) {
    if (error instanceof ChatError) console.error(error.message);
    else if (error instanceof Error && error.name === "CLIError") {
      const text = stripVTControlCharacters(error.message).replace(/\.$/, "");
      console.error(`${text}. Run with --help to see the commands`);
    } else console.error(error);
    process.exitCode = 1;
  }
}
