import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join as joinPath } from "node:path";
import { hasText, join } from "../support/client.ts";
import { startServer } from "../support/server.ts";
import { type App, compileExamples, compileImport, installOnBun, installQuickly, peersOfNode } from "./app.ts";
import { removeBuiltPackage, run } from "./built.ts";
import { describeInstalled } from "./can-install.ts";

const installMsMax = 120_000;
afterAll(removeBuiltPackage);

describeInstalled("the package as installed", () => {
  let installing: Readonly<Record<"node" | "bun", Promise<App>>>;
  beforeAll(async () => {
    // Both at once: each mostly waits for its registry.
    // test/package/peers.test.ts installs with npm.
    installing = { node: installQuickly(peersOfNode), bun: installOnBun() };
    await Promise.all(Object.values(installing));
  }, installMsMax);
  afterAll(async () => {
    for (const app of await Promise.allSettled(Object.values(installing)))
      if (app.status === "fulfilled") app.value.remove();
  });

  for (const name of ["node", "bun"] as const)
    describe(`on ${name}`, () => {
      let app: App;
      beforeAll(async () => {
        app = await installing[name];
        const isMeant = (example: string): boolean => example === "chat" || RegExp(`(^|-)${name}$`).test(example);
        const compiled = await compileExamples(app, name === "bun" ? "bun-types" : "node", isMeant);
        expect(compiled).toContain(name);
        expect(compiled).toContain("send");
      }, installMsMax);

      test("N3 every entry point of the package loads, if its peers are installed", async () => {
        const manifest = joinPath(app.folder, "node_modules/tidings/package.json");
        const { exports } = JSON.parse(readFileSync(manifest, "utf8")) as { exports: Record<string, unknown> };
        const nameOf = (door: string): string => door.replace(/^\./, "tidings");
        // An entry without a pair of types and code is not for a server's runtime: it only has to exist.
        const isModule = ([, target]: readonly [string, unknown]): boolean => typeof target === "object";
        const names = Object.entries(exports)
          .filter(isModule)
          .map(([door]) => nameOf(door));
        const found = Object.keys(exports).filter((door) => !names.includes(nameOf(door)));
        expect(found).toEqual(["./push/service-worker.js", "./package.json"]);
        const script = joinPath(app.folder, "doors.js");
        writeFileSync(
          script,
          `for (const name of ${JSON.stringify(names)}) {
            const opens = await import(name).then((door) => Object.keys(door).length > 0, (error) => error.message);
            console.log(name, opens);
          }
          for (const name of ${JSON.stringify(found.map(nameOf))}) (await import("node:fs")).readFileSync(new URL(import.meta.resolve(name)));`,
        );
        const lines = (await run([...app.runtime, script], app.folder)).trim().split("\n");
        // The app on Bun has no peers of Node's adapter: only entries for Node may miss them.
        const lacking = name === "bun" ? lines.filter((line) => line.includes("'@hono/node-server'")) : [];
        for (const line of lacking) expect(line).toContain("node ");
        expect(lines.filter((line) => !lacking.includes(line))).toEqual(
          names.filter((_, i) => !lacking.includes(lines[i] ?? "")).map((door) => `${door} true`),
        );
        expect(lines).toContain(`tidings/${name} true`);
      });

      test("N3 the README's server code sends", async () => {
        expect(await run([...app.runtime, app.example("send")], app.folder)).toMatch(/message 1 of c\w+ is on disk/);
      });

      for (const example of [name, `hono-${name}`])
        test(`N3 the example ${example} carries a message over a real socket, and a new process still has it`, async () => {
          const base = example.startsWith("hono") ? "/chat" : "";
          const start = () =>
            startServer({ runtime: app.runtime, script: app.example(example), dir: app.folder, base });
          const first = await start();
          try {
            const bob = await join(first.url, { user: "bob" });
            const alice = await join(first.url, { user: "alice" });
            expect(await alice.sendOk({ to: "bob" }, "hello from outside")).toMatchObject({ seq: 1, duplicate: false });
            await bob.next(hasText("hello from outside"));
            expect(await first.stop()).toBe(0);
          } finally {
            await first.dispose();
          }
          const second = await start();
          try {
            const url = `http://127.0.0.1:${second.port}${base}/conversations?user=bob`;
            expect(await (await fetch(url)).text()).toContain("hello from outside");
          } finally {
            await second.dispose();
            rmSync(joinPath(app.folder, "tidings.db"), { force: true });
          }
        });

      test("N4 tidings migrate migrates, with the package's own migrations", async () => {
        const migrate = (command: string, tidings = app.program) =>
          run([...tidings, "migrate", command, "--database", "file:migrated.db"], app.folder);
        // Reading the version makes no file.
        await expect(migrate("status", app.tidings)).rejects.toThrow("There is no database file");
        expect(await migrate("up")).toMatch(/^(up \d{6}_\w+\n)+$/);
        expect(await migrate("status")).toMatch(/^(\d{6}_\w+ +applied\n)+$/);
        expect(await migrate("up")).toBe("nothing to do\n");
      });

      test("N4 tidings serve serves the page and its health", async () => {
        const env = { DATABASE_URL: "file:served.db" };
        const server = await startServer({ runtime: app.program, script: "serve", dir: app.folder, env });
        try {
          const base = `http://127.0.0.1:${server.port}`;
          expect(await (await fetch(`${base}/healthz`)).json()).toEqual({ status: "ok" });
          expect(await (await fetch(`${base}/`)).text()).toContain("<title>Tidings</title>");
          expect((await (await fetch(`${base}/page.js`)).text()).length).toBeGreaterThan(1_000);
          const alice = await join(server.url, { user: "alice" });
          await alice.sendOk({ to: "bob" }, "hello");
          expect(await server.stop()).toBe(0);
        } finally {
          await server.dispose();
        }
      });
    });

  test("control: N3 a declaration that does not compile is found", async () => {
    const app = await installing.node;
    const file = joinPath(app.folder, "node_modules/tidings/index.d.ts");
    const text = readFileSync(file, "utf8");
    // As a new file: an installer may have linked the old one to its cache.
    rmSync(file);
    writeFileSync(file, `${text}export declare const planted: Nowhere;\n`);
    await expect(compileImport(app, "tidings")).rejects.toThrow("Cannot find name 'Nowhere'");
  });

  test("N5 on Node without its peers, tidings serve names the packages to install", async () => {
    const app = await installing.node;
    rmSync(joinPath(app.folder, "node_modules/@hono/node-server"), { recursive: true });
    const child = Bun.spawn([...app.program, "serve"], { cwd: app.folder, stdout: "ignore", stderr: "pipe" });
    const said = await child.stderr.text();
    expect(await child.exited).toBe(1);
    expect(said).toContain("npm install @hono/node-server ws");
    expect(said).not.toContain("    at ");
  });
});
