import { describe, expect, test } from "bun:test";

describe("in a program", () => {
  async function run(body: string, stdout: "pipe" | "closed" = "pipe") {
    const imports = `import { getLogger } from "@logtape/logtape"; import { configureLog } from "./src/standalone/log.ts";`;
    const child = Bun.spawn([process.execPath, "-e", `${imports}\n${body}`], {
      cwd: `${import.meta.dir}/../..`,
      stdout: "pipe",
      stderr: "pipe",
    });
    if (stdout === "closed") await child.stdout.cancel();
    const out = stdout === "pipe" ? await new Response(child.stdout).text() : "";
    return { out, err: await new Response(child.stderr).text(), code: await child.exited };
  }

  test("L5 until the host configures logging, warnings and errors go to the console; then to logging alone", async () => {
    const body = `import { createAdmit } from "./src/access/admit.ts";
      import { createLog } from "./src/internal/logger.ts";
      const admit = createAdmit({ authenticate: () => { throw new Error("canary") }, origins: [], now: () => 0 });
      const upgrade = () => admit(new Request("http://h/ws", { headers: { upgrade: "websocket" } }));
      const log = createLog(["tidings", "test"]).with({ database: "file:a.db", token: "canary-token" });
      const events = () => { log.debug("d"); log.info("i"); log.warn("w", { n: 1 }); log.fatal("f\\nforged"); };
      await upgrade(); events();`;
    const parse = (text: string) =>
      text
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as Record<string, unknown>);
    const silent = await run(body);
    expect([silent.out, silent.code]).toEqual(["", 0]);
    expect(parse(silent.err)).toMatchObject([
      { level: "error", category: "tidings.http", message: "authenticate failed", error: { message: "canary" } },
      { level: "warning", category: "tidings.test", message: "w", n: 1, database: "file:a.db", token: "[redacted]" },
      { level: "fatal", message: "f\nforged", token: "[redacted]" },
    ]);
    // The host configures logging after the logs were made: from then on it gets all lines.
    const later = await run(`${body} configureLog({ level: "fatal" }); await upgrade(); events();`);
    expect(parse(later.err).map(({ level }) => level)).toEqual(["error", "warning", "fatal", "fatal"]);
  });

  test("L5 a host that configured another copy of LogTape has its lines once", async () => {
    const body = `import { createLog } from "./src/internal/logger.ts";
      const lines = [];
      const found = Object.getOwnPropertySymbols(globalThis).map((symbol) => globalThis[symbol]).find((value) => Array.isArray(value?.sinks));
      found.sinks.push((record) => lines.push(record.rawMessage));
      createLog(["tidings", "test"]).error("once");
      process.stdout.write(lines.join());`;
    expect(await run(`getLogger(["tidings"]);${body}`)).toEqual({ out: "once", err: "", code: 0 });
  });

  test("L6 errors go to the standard error, the rest to the standard output, and levels below are dropped", async () => {
    const body = `configureLog({ level: "debug" });
      for (const level of ["trace", "debug", "info", "warning", "error", "fatal"]) getLogger(["tidings", "x"])[level]("Level " + level);
      getLogger(["other"]).fatal("Not ours");`;
    const { out, err, code } = await run(body);
    const levels = (text: string) =>
      text
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line).level);
    expect(levels(out)).toEqual(["debug", "info", "warning"]);
    expect(levels(err)).toEqual(["error", "fatal"]);
    expect(code).toBe(0);
  });

  test("L7 a reader that goes away does not end the program", async () => {
    const body = `configureLog(); const log = getLogger(["tidings"]);
      for (let i = 0; i < 20; i++) { log.info("Line " + i); await Bun.sleep(10); }
      log.error("Alive");`;
    const { err, code } = await run(body, "closed");
    expect(err).toContain('"message":"Alive"');
    expect(code).toBe(0);
  });
});
