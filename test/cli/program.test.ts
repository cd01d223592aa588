import { afterAll, afterEach, expect, spyOn, test } from "bun:test";
import { command, group } from "../../src/cli/command.ts";
import { runProgram } from "../../src/cli/program.ts";
import { ChatError } from "../../src/error.ts";

const ran: unknown[] = [];
const fails = (error: unknown) =>
  command({
    description: "Fails",
    args: {},
    run: () => {
      throw error;
    },
  });
const main = group("Chat", {
  greet: command({
    description: "Greets",
    args: { name: { type: "string", description: "Of a person" } },
    run: ({ name }) => void ran.push(name),
  }),
  db: group("Databases", {
    refuse: fails(new ChatError("conflict", "It is in use")),
    fail: fails(new TypeError("A fault")),
  }),
});

const [log, error] = [spyOn(console, "log"), spyOn(console, "error")];
const exitCode = process.exitCode;
afterEach(() => {
  for (const spy of [log, error]) spy.mockReset();
  process.exitCode = exitCode ?? 0;
  ran.length = 0;
});
afterAll(() => {
  for (const spy of [log, error]) spy.mockRestore();
});

/** The output, the errors, and the exit code of a command line. */
async function run(...rawArgs: string[]) {
  for (const spy of [log, error]) spy.mockReset().mockImplementation(() => {});
  process.exitCode = 0;
  await runProgram({ name: "tidings", main, rawArgs, version: () => "1.2.3", notes: { greet: "A note" } });
  const code = process.exitCode;
  return { out: log.mock.calls.flat().map(String), err: error.mock.calls.flat().map(String), code };
}

test("M16 the first words name a command, which gets the rest", async () => {
  expect(await run("greet", "--name", "bob")).toEqual({ out: [], err: [], code: 0 });
  expect(ran).toEqual(["bob"]);
});

test("M16 a line that names no command is refused with exit code 1, and runs nothing", async () => {
  for (const [args, text] of [
    [[], "No command given"],
    [["db"], "No command given"],
    [["hello"], "Unknown command hello"],
    [["toString"], "Unknown command toString"],
    [["db", "greet"], "Unknown command greet"],
    [["--name", "bob", "greet"], "The command comes first, got --name"],
    [["greet", "--nam", "bob"], "There is no such argument, got --nam"],
  ] as const) {
    const { err, code } = await run(...args);
    expect([args, err.length, code]).toEqual([args, 1, 1]);
    expect(err[0]).toContain(text);
  }
  expect(ran).toEqual([]);
});

test("K9 a refusal is one line; a fault of the program keeps its stack", async () => {
  expect(await run("db", "refuse")).toEqual({ out: [], err: ["It is in use"], code: 1 });
  await run("db", "fail");
  expect(error.mock.calls.flat()[0]).toBeInstanceOf(TypeError);
});

test("C30 C31 the version and the help are printed, and nothing runs", async () => {
  expect((await run("--version")).out).toEqual(["1.2.3"]);
  const [help = "", note] = (await run("greet", "--name", "x", "--help")).out;
  expect([help.includes("USAGE\n  tidings greet"), note]).toEqual([true, "\nA note"]);
  expect((await run("db", "-h")).out[0]).toContain("USAGE\n  tidings db refuse|fail");
  // Words that name no command are left out.
  expect((await run("nothing", "--help")).out[0]).toContain("USAGE\n  tidings greet|db");
  expect(ran).toEqual([]);
});
