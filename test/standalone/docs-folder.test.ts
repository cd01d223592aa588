import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { resetSync } from "@logtape/logtape";
import { createChat } from "../../src/chat.ts";
import { readConfig } from "../../src/standalone/config.ts";
import { openDocs } from "../../src/standalone/docs-folder.ts";
import { listen } from "../../src/standalone/listen.ts";
import { configureLog } from "../../src/standalone/log.ts";
import { siteOf } from "../../src/standalone/site.ts";

const inside = "document.documentElement.classList.add('dark')";
const folder = mkdtempSync(join(tmpdir(), "tidings-docs-"));
const site = join(folder, "site");
const chat = createChat({ database: { url: `file:${folder}/chat.db` }, authenticate: () => null, base: "" });

beforeAll(() => {
  mkdirSync(join(site, "assets"), { recursive: true });
  writeFileSync(join(folder, "secret.html"), "not of the site");
  writeFileSync(join(site, "index.html"), `<script>${inside}</script><script src="/docs/assets/app.js"></script>`);
  writeFileSync(join(site, "assets/app.js"), "1");
  writeFileSync(join(site, "schema.sql"), "<b>");
});
afterAll(async () => {
  await chat.close();
  rmSync(folder, { recursive: true, force: true });
});

const get = async (env: Record<string, string>, path: string, init: RequestInit = {}): Promise<Response> =>
  await (
    await siteOf(chat, readConfig(env))
  )(new Request(`http://127.0.0.1${path}`, init));

describe("W70", () => {
  test("W70 with DOCS_FOLDER the files of the folder are below /docs/, each with its type", async () => {
    const env = { DOCS_FOLDER: site };
    expect((await get(env, "/docs")).headers.get("location")).toBe("/docs/");
    const got = await Promise.all(
      ["/docs/", "/docs/index.html", "/docs/assets/app.js", "/docs/schema.sql"].map(async (path) => {
        const answer = await get(env, path);
        return [answer.status, answer.headers.get("content-type"), answer.headers.get("cache-control")];
      }),
    );
    expect(got).toEqual([
      [200, "text/html; charset=utf-8", "no-cache"],
      [200, "text/html; charset=utf-8", "no-cache"],
      [200, "text/javascript; charset=utf-8", "max-age=31536000, immutable"],
      [200, "text/plain; charset=utf-8", "no-cache"],
    ]);
    expect((await get(env, "/docs/", { method: "POST" })).status).toBe(405);
  });

  test("W70 no other file is served, and without DOCS_FOLDER none", async () => {
    for (const path of ["/docs/nothing.html", "/docs/..%2fsecret.html", "/docs/assets", "/docs/assets/"])
      expect([path, (await get({ DOCS_FOLDER: site }, path)).status]).toEqual([path, 404]);
    expect((await get({}, "/docs/")).status).toBe(404);
  });

  // `new Request` resolves `..` before the server sees it.
  test("W70 a path that leads out of the folder is none of the site", async () => {
    const docs = await openDocs(site);
    for (const path of [
      "/docs/../secret.html",
      "/docs/assets/../../secret.html",
      "/docs/assets/../index.html",
      "/docs/%2e%2e/secret.html",
      "/docs/..\\secret.html",
      `/docs/${folder}/secret.html`,
      `/docs//${folder}/secret.html`,
      "/docs/\0.html",
      "/docs/.hidden.html",
      "/docs/.hidden/page.html",
      `/docs/${"x".repeat(5_000)}.html`,
      "/docs/index.html/page.html",
      "/other/index.html",
    ])
      expect([path, await docs.file(path)]).toEqual([path, null]);
  });

  test("W70 the bytes of a request that lead out of the folder are not answered with a file", async () => {
    const server = await listen(chat, {
      ...{ port: 0, hostname: "127.0.0.1", fetch: await siteOf(chat, readConfig({ DOCS_FOLDER: site })) },
    });
    try {
      expect(await statusOf(server.port, "/docs/index.html")).toBe(200);
      for (const target of [
        "/docs/../secret.html",
        "/docs/..//secret.html",
        "/docs/assets/../../secret.html",
        "/docs/%2e%2e/secret.html",
        "/docs/..%2fsecret.html",
        "/docs/%2e%2e%2fsecret.html",
        "/docs/..\\secret.html",
        "/docs/..%5csecret.html",
        "/docs/%252e%252e/secret.html",
        `/docs/${folder}/secret.html`,
      ])
        expect([target, await statusOf(server.port, target)]).toEqual([target, 404]);
    } finally {
      await server.stop();
    }
  });

  test("W70 a link is followed within the folder and not out of it, and only known endings are served", async () => {
    symlinkSync("index.html", join(site, "inside.html"));
    symlinkSync("../secret.html", join(site, "outside.html"));
    symlinkSync("..", join(site, "up"));
    symlinkSync("chat.db", join(site, "named.html"));
    symlinkSync("loop.html", join(site, "loop.html"));
    for (const name of ["chat.db", "chat.db-wal", ".env", "id_rsa", "page.txt"]) writeFileSync(join(site, name), "1");
    mkdirSync(join(site, "v1.2"));
    mkdirSync(join(site, "folder.html"));
    const docs = await openDocs(site);
    expect((await docs.file("/docs/inside.html"))?.status).toBe(200);
    const names = ["outside.html", "up/secret.html", "up/site/index.html", "named.html", "loop.html"];
    for (const name of [...names, "chat.db", "chat.db-wal", ".env", "id_rsa", "page.txt", "v1.2", "folder.html"])
      expect([name, (await docs.file(`/docs/${name}`)) === null]).toEqual([name, name !== "up/site/index.html"]);
  });

  test("W70 a page runs the scripts that were built into it, and no other", async () => {
    const policy = (await get({ DOCS_FOLDER: site }, "/docs/")).headers.get("content-security-policy") ?? "";
    const digest = createHash("sha256").update(inside).digest("base64");
    expect(policy).toContain(`script-src 'self' 'sha256-${digest}'; `);
    expect(policy).toStartWith("default-src 'none'; ");
  });

  test("W70 a folder without a site ends the start, with the command that builds one", async () => {
    await expect(openDocs(join(folder, "empty"))).rejects.toMatchObject({
      code: "config_invalid",
      message: expect.stringContaining("bun run docs"),
    });
  });
});

describe("W72", () => {
  test("W72 a new build shows without a restart, and a file that it no longer has is 404", async () => {
    const current = join(folder, "current");
    const build = (name: string, page: string): void => {
      mkdirSync(join(folder, name));
      writeFileSync(join(folder, name, "index.html"), name);
      writeFileSync(join(folder, name, page), "1");
      rmSync(current, { force: true });
      symlinkSync(name, current);
    };
    build("first", "old.html");
    const docs = await openDocs(current);
    build("second", "new.html");
    expect(await (await docs.file("/docs/"))?.text()).toBe("second");
    expect((await docs.file("/docs/new.html"))?.status).toBe(200);
    expect(await docs.file("/docs/old.html")).toBeNull();
    rmSync(current);
    expect(await docs.file("/docs/")).toBeNull();
  });

  test("W72 a page that cannot be made is 500, and the log says why", async () => {
    const lines: string[] = [];
    configureLog({ write: (line) => lines.push(line) });
    const failing = {
      ...chat,
      trouble: () => {
        throw new Error("the disk is gone");
      },
    };
    const answer = await (await siteOf(failing, readConfig({})))(new Request("http://127.0.0.1/readyz"));
    resetSync();
    expect(answer.status).toBe(500);
    expect(lines.map((line) => JSON.parse(line) as unknown)).toMatchObject([
      { level: "error", message: "a page could not be made", path: "/readyz" },
    ]);
    expect(lines[0]).toContain("the disk is gone");
  });
});

/** Asks with these bytes as the target, which no library has touched. */
async function statusOf(port: number, target: string): Promise<number> {
  const socket = connect(port, "127.0.0.1");
  socket.write(`GET ${target} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n`);
  let text = "";
  for await (const part of socket) text += String(part);
  expect(text).not.toContain("not of the site");
  return Number(text.split(" ")[1]);
}
