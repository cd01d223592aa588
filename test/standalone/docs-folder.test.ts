import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createChat } from "../../src/chat.ts";
import { readConfig } from "../../src/standalone/config.ts";
import { openDocs } from "../../src/standalone/docs-folder.ts";
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
    for (const path of [
      "/docs/nothing.html",
      "/docs/../secret.html",
      "/docs/%2e%2e/secret.html",
      "/docs/..%2fsecret.html",
    ])
      expect([path, (await get({ DOCS_FOLDER: site }, path)).status]).toEqual([path, 404]);
    expect((await get({}, "/docs/")).status).toBe(404);
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
