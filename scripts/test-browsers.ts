/**
 * Tests the chat page and the client in real browsers: Chromium, Firefox and WebKitGTK. It takes minutes, so it is not part of `bun run test`.
 *
 *   bun run test:browsers                  everything
 *   bun run test:browsers firefox webkit   some of it, by the names of the files test/browsers/run-NAME.ts
 *
 * It first installs the browsers that are missing, through apt-get where that needs no password. A browser that is missing then is a failure.
 */
import { basename, join } from "node:path";
import { browserPrerequisites, prerequisites, provide } from "./prerequisites.ts";
import { setup } from "./setup.ts";

/** A test without an answer for this long hangs. */
const testMs = 300_000;

const root = join(import.meta.dir, "..");

async function main(): Promise<number> {
  if (!(await setup())) return 1;
  const names = [...new Bun.Glob("test/browsers/run-*.ts").scanSync({ cwd: root })]
    .map((file) => basename(file, ".ts").replace("run-", ""))
    .toSorted();
  const asked = process.argv.slice(2);
  const unknown = asked.filter((name) => !names.includes(name));
  if (unknown.length > 0) {
    console.error(`There is no test of ${unknown.join(", ")}; there are ${names.join(", ")}`);
    return 1;
  }
  const missing = await provide([...prerequisites.filter(({ name }) => name === "chromium"), ...browserPrerequisites]);
  for (const { name, debian } of missing) console.error(`${name} is missing: install ${debian}, as Debian calls it`);
  // The whole browser, also where the suite shows its pages in a part of it.
  const chromium = Bun.which("chromium") ?? Bun.which("google-chrome");
  let exitCode = 0;
  for (const name of asked.length > 0 ? asked : names) {
    const child = Bun.spawn([process.execPath, "test", "--timeout", String(testMs), `./test/browsers/run-${name}.ts`], {
      cwd: root,
      stdio: ["ignore", "inherit", "inherit"],
      // What is missing is a failure here.
      env: {
        ...(chromium !== null && { CHROMIUM_PATH: chromium }),
        ...process.env,
        CI: "true",
        TIDINGS_MISSING: missing.map((one) => one.name).join(","),
      },
    });
    // Awaited also after a failure: two browsers at a time would take the time of each other.
    const code = await child.exited;
    exitCode ||= code;
  }
  return exitCode;
}

process.exitCode = await main();
