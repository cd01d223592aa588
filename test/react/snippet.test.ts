import { afterAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createChat } from "../../src/index.ts";
import { bun } from "../../src/adapter/bun.ts";
import { bundleScript } from "../../src/standalone/web-file.ts";
import { blocksOf } from "../docs/block.ts";
import { openBrowser, openPage } from "../support/chromium.ts";
import { describeWith } from "../support/prerequisite.ts";

const root = join(import.meta.dir, "../..");
const folder = mkdtempSync(join(tmpdir(), "tidings-react-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** An app with the package and React, and the component of docs/react.md on its page. */
function writeApp(): string {
  mkdirSync(join(folder, "node_modules"));
  symlinkSync(root, join(folder, "node_modules/tidings"));
  for (const name of ["react", "react-dom", "scheduler"])
    symlinkSync(join(root, "node_modules", name), join(folder, "node_modules", name));
  const [snippet] = blocksOf("docs/react.md").filter(({ info }) => info === "file=chat-app.tsx");
  writeFileSync(join(folder, "chat-app.tsx"), snippet?.text ?? "");
  const main = join(folder, "main.tsx");
  writeFileSync(
    main,
    `import { StrictMode } from "react";
    import { createRoot } from "react-dom/client";
    import { ChatApp } from "./chat-app.tsx";
    const [me, other] = location.pathname.slice(1).split("-");
    createRoot(document.body).render(<StrictMode><ChatApp me={me} other={other} /></StrictMode>);`,
  );
  return main;
}

describeWith("chromium", "the React app of the docs", () => {
  test("J70 J74 docs/react.md: chat-app.tsx is a chat, under StrictMode, with a cookie", async () => {
    const script = await bundleScript(writeApp(), { mode: "development" });
    const userOf = (request: Request): string | undefined =>
      /user=(\w+)/.exec(request.headers.get("cookie") ?? "")?.[1];
    const chat = createChat({
      database: { url: `file:${join(folder, "chat.db")}` },
      base: "/chat",
      authenticate: (request) => {
        const user = userOf(request);
        return user === undefined ? null : { user };
      },
    });
    await chat.ready();
    const respond = (request: Request): Response => {
      const { pathname } = new URL(request.url);
      if (pathname === "/main.js") return new Response(script, { headers: { "Content-Type": "text/javascript" } });
      const cookie = `user=${pathname.slice(1).split("-")[0]}; Path=/`;
      const html = `<!doctype html><link rel="icon" href="data:," /><body></body><script type="module" src="/main.js"></script>`;
      return new Response(html, { headers: { "Content-Type": "text/html", "Set-Cookie": cookie } });
    };
    const server = Bun.serve(
      bun(chat, {
        port: 0,
        fetch: (request, peer) =>
          new URL(request.url).pathname.startsWith("/chat/") ? chat.fetch(request, peer) : respond(request),
      }),
    );
    const browser = await openBrowser();
    try {
      const complaints: string[] = [];
      const open = (path: string) => openPage(browser, `http://127.0.0.1:${server.port}/${path}`, { complaints });
      const [alice, bob] = await Promise.all([open("alice-bob"), open("bob-alice")]);
      for (const page of [alice, bob]) await page.locator("form > p", { hasText: /^online$/ }).waitFor();
      await alice.fill("input", "Hello");
      await alice.keyboard.press("Enter");
      await bob.locator("p", { hasText: "alice: Hello (received)" }).waitFor();
      await alice.locator("p", { hasText: "alice: Hello (read)" }).waitFor();
      expect(await alice.inputValue("input")).toBe("");
      expect(complaints).toEqual([]);
    } finally {
      await browser.close();
      await server.stop(true);
      await chat.close();
    }
  });
});
