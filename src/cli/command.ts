import { type ArgsDef, type CommandDef, defineCommand, type ParsedArgs } from "citty";
import { ChatError } from "../error.ts";

/** A command that refuses every argument that it does not know. */
export function command<const T extends ArgsDef>(
  name: string,
  description: string,
  args: T,
  run: (args: ParsedArgs<T>) => unknown,
): CommandDef<T> {
  return defineCommand({
    meta: { name, description },
    args,
    async run(context) {
      refuseStray(context.rawArgs, args);
      await run(context.args);
    },
  });
}

/** A misspelt --database must not end in migrating the default one, and the parser takes any word for a flag. */
function refuseStray(rawArgs: readonly string[], defined: ArgsDef): void {
  const left = Object.entries(defined);
  const isFlag = new Map(
    left.filter(([, { type }]) => type !== "positional").map(([name, { type }]) => [`--${name}`, type]),
  );
  let positionals = left.length - isFlag.size;
  for (let i = 0; i < rawArgs.length; i++) {
    const arg = rawArgs[i] ?? "";
    const type = isFlag.get(arg.replace(/=.*$/s, ""));
    if (type === "string" && !arg.includes("=")) i += 1;
    if (type !== undefined || (!arg.startsWith("-") && positionals-- > 0)) continue;
    throw new ChatError(
      "config_invalid",
      `There is no such argument, got ${arg}${arg.startsWith("-") ? "" : " (a database is named with --database)"}`,
    );
  }
}
