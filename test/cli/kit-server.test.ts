import { afterAll, afterEach, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ChatError } from "../../src/error.ts";
import { startKitServer } from "../../src/cli/kit-server.ts";

const folder = mkdtempSync(join(tmpdir(), "tidings-kit-server-"));
const [, program = ""] = process.argv;
afterEach(() => void (process.argv[1] = program));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const much = `for (let at = 0; at < 2_000; at++) console.log(at, "x".repeat(1_000));`;
const serving = `console.log(JSON.stringify({ message: "serving", port: 4321 }));`;

/** Starts this script in place of the command `tidings`. */
async function start(script: string) {
  process.argv[1] = join(folder, "program.ts");
  writeFileSync(process.argv[1], script);
  return await startKitServer("secret");
}

test("Y8 a server of the kit that prints much is found by its line, and goes on", async () => {
  const done = join(folder, "done");
  const after = `${much} require("node:fs").writeFileSync(${JSON.stringify(done)}, ""); setInterval(() => {}, 1_000);`;
  const { url, secret, stop } = await start(`${much} ${serving} ${after}`);
  expect([url, secret]).toEqual(["http://127.0.0.1:4321", "secret"]);
  while (!readdirSync(folder).includes("done")) await Bun.sleep(10);
  await stop();
});

test("Y8 of a server that does not start, the report has the last words alone", async () => {
  const fault: unknown = await start(`${much} console.error("the end"); process.exit(1);`).catch((error) => error);
  if (!(fault instanceof ChatError)) throw new Error("It started");
  const { code, message } = fault;
  expect([code, message.includes("did not start"), message.includes("1999 xxx")]).toEqual([
    "config_invalid",
    true,
    true,
  ]);
  expect(message.length).toBeLessThan(17_000);
});
