import { expect, test } from "bun:test";
import { command, group } from "../../src/cli/command.ts";
import { usageOf } from "../../src/cli/usage.ts";

type Seen = Readonly<Record<string, unknown>>;

/** Runs a command with these words, and returns the values that it got. */
async function valuesFor(...words: readonly string[]): Promise<Seen> {
  let seen: Seen = {};
  const copy = command({
    description: "Copies a file",
    args: {
      file: { type: "positional", required: true, description: "The file" },
      to: { type: "positional", required: false, description: "Its copy" },
      mode: { type: "string", description: "How", default: "fast" },
      token: { type: "string", description: "A secret" },
      yes: { type: "boolean", description: "Do not ask" },
    },
    run(values) {
      seen = values;
    },
  });
  await copy.run(words);
  return seen;
}

test("a command gets each argument by its name, and the default of one that is missing", async () => {
  expect(await valuesFor("a")).toEqual({ file: "a", to: undefined, mode: "fast", token: undefined, yes: false });
  expect(await valuesFor("--mode=slow", "a", "--yes", "b", "--token", "t")).toEqual({
    file: "a",
    to: "b",
    mode: "slow",
    token: "t",
    yes: true,
  });
});

test("M16 a command refuses arguments that it does not have, and repeats no value of a flag", async () => {
  for (const [words, text] of [
    [["a", "--tokn=secret"], "There is no such argument, got --tokn."],
    [["a", "-x"], "got -x"],
    [["a", "b", "c"], "got c"],
    [["a", "--yes=secret"], "'--yes' does not take an argument"],
    [["a", "--token"], "'--token <value>' argument missing"],
    [["a", "--token", "--yes"], "'--token' argument is ambiguous"],
    [[], "FILE is missing"],
  ] as const) {
    const refusal = await valuesFor(...words).catch((error: unknown) => error);
    expect(refusal).toMatchObject({ code: "config_invalid", message: expect.stringContaining(text) });
    expect(String(refusal)).not.toContain("secret");
  }
});

test("the help of a command names each argument, and the help of a group each command", () => {
  const list = command({
    description: "Lists files",
    args: {
      names: { type: "rest", description: "Their names" },
      long: { type: "boolean", description: "With sizes" },
      sort: { type: "string", description: "By which column", default: "name" },
    },
    run() {},
  });
  expect(usageOf("files list", list)).toBe(
    "Lists files\n\nUSAGE\n  files list [OPTIONS] [NAMES…]\n\nARGUMENTS\n  NAMES  Their names\n\n" +
      "OPTIONS\n  --long         With sizes\n  --sort=<sort>  By which column (default: name)",
  );
  expect(usageOf("files", group("Files", { list }))).toBe(
    "Files\n\nUSAGE\n  files list\n\nCOMMANDS\n  list  Lists files\n\nUse files <command> --help for more about a command.",
  );
});
