import { afterAll, expect, test } from "bun:test";
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { blocksOf, onFreePort } from "../docs/block.ts";
import { builtPackage, removeBuiltPackage } from "../package/built.ts";
import { openBrowser, openPage } from "../support/chromium.ts";
import { describeWith } from "../support/prerequisite.ts";
import { startServer, temporaryFolder } from "../support/server.ts";

const root = join(import.meta.dir, "../..");
const folder = temporaryFolder();
afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterAll(removeBuiltPackage);

/** The app of docs/element.md, with the package as it is published. */
async function startApp(): Promise<{ readonly url: string; stop(): Promise<void> }> {
  mkdirSync(join(folder, "node_modules"));
  symlinkSync((await builtPackage()).folder, join(folder, "node_modules/tidings"));
  const [app] = blocksOf("docs/element.md").filter(({ info }) => info === "file=element-app.js");
  writeFileSync(join(folder, "element-app.js"), onFreePort(app?.text ?? ""));
  const child = Bun.spawn([process.execPath, "element-app.js"], { cwd: folder, stdout: "pipe", stderr: "inherit" });
  const { value } = await child.stdout.getReader().read();
  return {
    url: new TextDecoder().decode(value).trim(),
    async stop() {
      child.kill();
      await child.exited;
    },
  };
}

describeWith("chromium", "the element of the docs", () => {
  test("W60 N1 docs/element.md: element-app.js is a shop with two elements, from the package as published", async () => {
    const app = await startApp();
    const browser = await openBrowser();
    try {
      const complaints: string[] = [];
      const open = (user: string) => openPage(browser, app.url.replace("alice", user), { complaints });
      const [alice, help] = await Promise.all([open("alice"), open("help")]);
      await alice.fill("#help #text", "Where is my order?");
      await alice.press("#help #text", "Enter");
      await help.click("#all .person");
      await help.locator("#all .message .text", { hasText: "Where is my order?" }).waitFor();
      await help.fill("#all #text", "On its way");
      await help.press("#all #text", "Enter");
      await alice.locator("#help .message .text", { hasText: "On its way" }).waitFor();
      await alice.locator("#all .person .last", { hasText: "On its way" }).waitFor();
      // Both elements, and the app's own headline, have one count.
      await alice.evaluate("document.hasFocus = () => false");
      await help.fill("#all #text", "It is there");
      await help.press("#all #text", "Enter");
      await alice.locator("#unread", { hasText: "1 new" }).waitFor();
      const colour = `getComputedStyle(document.querySelector("#help").shadowRoot.querySelector("[part=send]")).backgroundColor`;
      expect(await alice.evaluate<string>(colour)).toBe("rgb(10, 125, 75)");
      expect(complaints).toEqual([]);
    } finally {
      await browser.close();
      await app.stop();
    }
  });

  test("W60 docs/element.md: index.html is a chat without a server of one's own", async () => {
    const [page] = blocksOf("docs/element.md").filter(({ info }) => info === "file=index.html");
    let html = page?.text ?? "";
    const files = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch: ({ url }) =>
        new URL(url).pathname === "/"
          ? new Response(html, { headers: { "Content-Type": "text/html" } })
          : new Response(null, { status: 204 }),
    });
    const origin = `http://127.0.0.1:${files.port}`;
    const [server, browser] = await Promise.all([startServer({ env: { ORIGINS: origin } }), openBrowser()]);
    try {
      expect(html.match(/127\.0\.0\.1:6662/g)?.length).toBe(2);
      html = html.replaceAll("127.0.0.1:6662", `127.0.0.1:${server.port}`);
      const complaints: string[] = [];
      const open = (user: string) => openPage(browser, `${origin}/?user=${user}`, { complaints });
      const [alice, bob] = await Promise.all([open("alice"), open("bob")]);
      await alice.fill("#new-to", "bob");
      await alice.press("#new-to", "Enter");
      await alice.fill("#text", "Hello");
      await alice.press("#text", "Enter");
      await bob.click(".person");
      await bob.locator(".message .text", { hasText: "Hello" }).waitFor();
      expect(complaints).toEqual([]);
    } finally {
      await browser.close();
      await server.dispose();
      await files.stop(true);
    }
  });

  test("W60 docs/element.md names every part, and no property that the style lacks", () => {
    const page = readFileSync(join(root, "docs/element.md"), "utf8");
    const read = (pattern: string): string =>
      [...new Bun.Glob(pattern).scanSync(join(root, "src/web"))]
        .map((path) => readFileSync(join(root, "src/web", path), "utf8"))
        .join("\n");
    const [markup, style] = [read("*.tsx"), read("chat.css") + read("element/style.ts")];
    const named = [...page.matchAll(/`([a-z-]+)`/g)].map(([, name]) => name);
    const written = markup.matchAll(/\bpart(?:="([^"]*)"|=\{([^}]*)\}|: ([^,\n]*))/g);
    const parts = new Set(
      [...written].flatMap(
        (found) =>
          found
            .slice(1)
            .join(" ")
            .match(/[a-z]+(?:-[a-z]+)*(?=[" ])/g) ?? [],
      ),
    );
    for (const word of ["tick", "null"]) parts.delete(word);
    expect([...parts].filter((part) => !named.includes(part))).toEqual([]);
    expect(parts.size).toBeGreaterThan(10);
    const properties = [...page.matchAll(/--tidings-[a-z-]+/g)].map(([name]) => name);
    for (const name of properties) expect(style).toContain(`var(${name}, `);
  });
});
