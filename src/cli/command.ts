import { parseArgs } from "node:util";
import { ChatError } from "../error.ts";

/** An argument of a command: a flag with a value, a flag without one, a word at its position, or all words that are left. */
export type Arg =
  | { readonly type: "string"; readonly description: string; readonly default?: string }
  | { readonly type: "boolean"; readonly description: string }
  | { readonly type: "positional"; readonly description: string; readonly required: boolean }
  | { readonly type: "rest"; readonly description: string };

export type Args = Readonly<Record<string, Arg>>;

type ValueOf<T extends Arg> = T extends { readonly type: "rest" }
  ? readonly string[]
  : T extends { readonly type: "boolean" }
    ? boolean
    : T extends { readonly default: string } | { readonly required: true }
      ? string
      : string | undefined;

type Values<T extends Args> = { readonly [K in keyof T]: ValueOf<T[K]> };

/** A command that does something. */
export type Action = {
  readonly type: "action";
  readonly description: string;
  readonly args: Args;
  /** @throws ChatError `config_invalid`: an argument that the command does not have, or one that is missing. */
  readonly run: (rawArgs: readonly string[]) => Promise<void>;
};

export type Group = {
  readonly type: "group";
  readonly description: string;
  readonly commands: Readonly<Record<string, Command>>;
};

export type Command = Action | Group;

type CommandOptions<T extends Args> = {
  readonly description: string;
  readonly args: T;
  readonly run: (values: Values<T>) => unknown;
};

/** A command that refuses every argument that it does not know: a misspelt --database must not end in migrating the default one. */
export function command<const T extends Args>({ description, args, run }: CommandOptions<T>): Action {
  return {
    type: "action",
    description,
    args,
    async run(rawArgs) {
      await run(valuesOf(args, rawArgs) as Values<T>);
    },
  };
}

export const group = (description: string, commands: Group["commands"]): Group => ({
  type: "group",
  description,
  commands,
});

/** The value of each argument, by its name. */
function valuesOf(args: Args, rawArgs: readonly string[]): Readonly<Record<string, unknown>> {
  const { values, positionals } = parseStrictly(args, rawArgs);
  const left = [...positionals];
  const found: Record<string, unknown> = {};
  for (const [name, arg] of Object.entries(args)) {
    if (arg.type === "rest") found[name] = left.splice(0);
    else if (arg.type === "positional") found[name] = left.shift();
    else found[name] = values[name] ?? (arg.type === "boolean" ? false : arg.default);
    if (arg.type === "positional" && arg.required && found[name] === undefined)
      throw new ChatError("config_invalid", `${name.toUpperCase()} is missing. Run with --help to see the arguments`);
  }
  const [stray] = left;
  if (stray === undefined) return found;
  const hint = "database" in args ? " (a database is named with --database)" : "";
  throw new ChatError("config_invalid", `There is no such argument, got ${stray}${hint}`);
}

function parseStrictly(args: Args, rawArgs: readonly string[]) {
  const options = Object.fromEntries(
    Object.entries(args).flatMap(([name, { type }]) =>
      type === "string" || type === "boolean" ? [[name, { type }] as const] : [],
    ),
  );
  try {
    return parseArgs({ args: [...rawArgs], options, strict: true, allowPositionals: true });
  } catch (cause) {
    // The rest of the text is advice about other things.
    const [text = ""] = cause instanceof Error ? cause.message.split("\n") : [];
    const [, flag] = /^Unknown option '([^']+)'/.exec(text) ?? [];
    const fault = flag === undefined ? text.replace(/\.$/, "") : `There is no such argument, got ${flag}`;
    throw new ChatError("config_invalid", `${fault}. Run with --help to see the arguments`, { cause });
  }
}
