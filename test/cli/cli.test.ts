import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { variableMeanings } from "../../src/cli/serve.ts";
import { variableNames } from "../../src/standalone/config.ts";
import { temporaryFolder } from "../support/server.ts";

const root = join(import.meta.dir, "../..");

async function run(...args: readonly string[]) {
  const cwd = temporaryFolder();
  const child = Bun.spawn([process.execPath, join(root, "src/cli.ts"), ...args], {
    cwd,
    env: { PATH: process.env["PATH"] ?? "" },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, error] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  return { out, error, code: await child.exited, hasMade: existsSync(join(cwd, "tidings.db")) };
}

describe("tidings", () => {
  test("C30 --version prints the version of the package", async () => {
    const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };
    expect(await run("--version")).toEqual({ out: `${version}\n`, error: "", code: 0, hasMade: false });
  });

  test("C31 serve --help names every variable of the environment", async () => {
    const { out, code } = await run("serve", "--help");
    expect(code).toBe(0);
    // Variables of earlier releases are known only to be refused.
    const gone = /^RATE_(CONNECTS|LOOKUPS)_/;
    expect(Object.keys(variableMeanings).toSorted()).toEqual(
      variableNames.filter((name) => !gone.test(name)).toSorted(),
    );
    for (const name of Object.keys(variableMeanings)) expect(out).toMatch(new RegExp(`^  ${name} `, "m"));
  });

  test("M16 every command refuses an unknown flag, and a flag before the command", async () => {
    for (const [args, text] of [
      [["--frobnicate"], "--frobnicate"],
      [["serve", "--port", "1"], "--port"],
      [["migrate", "--database=file:other.db", "up"], "The command comes first"],
      [["migrate", "up", "--databse", "file:other.db"], "--databse"],
      [["epoch", "--database=file:other.db", "new"], "The command comes first"],
      [["push", "--json", "explain"], "The command comes first"],
      [["epoch", "new", "--force"], "--force"],
      [["vapid", "-x"], "-x"],
      [["backup", "copy.db", "--verbose"], "--verbose"],
    ] as const) {
      const ran = await run(...args);
      expect([args, ran.code, ran.hasMade, ran.out]).toEqual([args, 1, false, ""]);
      expect(ran.error).toContain(text);
      expect(ran.error).not.toMatch(/\n\s+at /);
    }
  });

  test("M44 a command that only reads, or changes an existing database, creates none", async () => {
    for (const args of [
      ["migrate", "status"],
      ["migrate", "version"],
      ["epoch", "new"],
      ["push", "explain", "01900000-0000-7000-8000-000000000001", "alice"],
      ["backup", "copy.db"],
    ]) {
      const ran = await run(...args);
      expect([args, ran.code, ran.hasMade, ran.out]).toEqual([args, 1, false, ""]);
      expect(ran.error).toContain("tidings.db");
    }
  });
});
