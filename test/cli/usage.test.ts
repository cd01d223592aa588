import { expect, test } from "bun:test";
import { command, group } from "../../src/cli/command.ts";
import { usageOf } from "../../src/cli/usage.ts";

const action = (args: Parameters<typeof command>[0]["args"]) =>
  command({ description: "Does it", args, run: () => {} });

test("M16 the help of an action has its words, its flags and their defaults", () => {
  const text = usageOf(
    "tidings do",
    action({
      ...{
        v: { type: "positional", required: true, description: "A version" },
        n: { type: "positional", required: false, description: "How many" },
      },
      ...{ files: { type: "rest", description: "Files" }, yes: { type: "boolean", description: "Sure" } },
      database: { type: "string", description: "Where", default: "file:a.db" },
    }),
  );
  expect(text).toBe(`Does it

USAGE
  tidings do [OPTIONS] <V> [N] [FILES…]

ARGUMENTS
  V      A version
  N      How many
  FILES  Files

OPTIONS
  --yes                  Sure
  --database=<database>  Where (default: file:a.db)`);
});

test("M16 an action without flags or words has no section for them", () => {
  expect(usageOf("tidings do", action({}))).toBe("Does it\n\nUSAGE\n  tidings do");
});

test("M16 the help of a group has its commands", () => {
  const text = usageOf("tidings", group("Chat", { up: action({}), down: group("Back", {}) }));
  expect(text).toBe(
    "Chat\n\nUSAGE\n  tidings up|down\n\nCOMMANDS\n  up    Does it\n  down  Back\n\nUse tidings <command> --help for more about a command.",
  );
});
