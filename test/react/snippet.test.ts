import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { createChat } from "../../src/index.ts";
import { bun } from "../../src/adapter/bun.ts";
import { bundleScript } from "../../src/standalone/web-file.ts";
import { blocksOf } from "../docs/block.ts";
import { compile } from "../package/app.ts";
import { builtPackage, removeBuiltPackage } from "../package/built.ts";
import { openBrowser, openPage } from "../support/chromium.ts";
import { describeWith } from "../support/prerequisite.ts";
import { temporaryFolder } from "../support/server.ts";

const root = join(import.meta.dir, "../..");
const folder = temporaryFolder();
afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterAll(removeBuiltPackage);

/** An app with the package as published, React, and the components of the pages. */
async function writeApp(): Promise<void> {
  mkdirSync(join(folder, "node_modules/@types"), { recursive: true });
  symlinkSync((await builtPackage()).folder, join(folder, "node_modules/tidings"));
  for (const name of ["react", "react-dom", "scheduler", "@types/react", "@types/react-dom"])
    symlinkSync(join(root, "node_modules", name), join(folder, "node_modules", name));
  for (const page of ["docs/react.md", "docs/next.md"])
    for (const { language, info, text } of blocksOf(page))
      if (language === "tsx" && info !== "") writeFileSync(join(folder, info.replace(/^file=(next-)?/, "")), text);
  const render = (component: string, imported: string): string =>
    `import { StrictMode } from "react";
    import { createRoot } from "react-dom/client";
    import ${imported};
    const [me = "", other = ""] = location.pathname.slice(1).split("-");
    createRoot(document.body).render(<StrictMode>${component}</StrictMode>);`;
  const signOut = `<SignOut onLeave={() => document.body.replaceChildren("nobody")} />`;
  const chatApp = `<ChatApp me={me} other={other} />`;
  writeFileSync(join(folder, "hooks.tsx"), render(chatApp, `{ ChatApp } from "./chat-app"`));
  writeFileSync(join(folder, "element.tsx"), render("<App />", `App from "./App"`));
  const client = `const client = createClient({ url: "/chat", user: "carol", storage: indexedDb() });`;
  const leaving = `{ createClient, indexedDb } from "tidings/client"; import { Tidings } from "tidings/react"; import { SignOut } from "./sign-out"; ${client}`;
  writeFileSync(join(folder, "leaving.tsx"), render(`<Tidings client={client}>${signOut}</Tidings>`, leaving));
}

describeWith("chromium", "the React apps of the docs", () => {
  let browser: Browser;
  const scripts = new Map<string, string>();
  beforeAll(async () => {
    await writeApp();
    for (const name of ["hooks", "element", "leaving"])
      scripts.set(`/${name}.js`, await bundleScript(join(folder, `${name}.tsx`), { mode: "development" }));
    browser = await openBrowser();
  });
  afterAll(() => browser.close());

  /** A server with the chat and a page of that script; the cookie of a page is the first user of its path. */
  async function serve(script: string): Promise<{ url: string; stop(): Promise<void> }> {
    const chat = createChat({
      database: { url: `file:${join(folder, `${script}.db`)}` },
      base: "/chat",
      authenticate: (request) => {
        const user = /user=(\w+)/.exec(request.headers.get("cookie") ?? "")?.[1];
        return user === undefined ? null : { user };
      },
    });
    await chat.ready();
    const respond = (request: Request): Response => {
      const { pathname } = new URL(request.url);
      const text = scripts.get(pathname);
      if (text !== undefined) return new Response(text, { headers: { "Content-Type": "text/javascript" } });
      const user = pathname.slice(1).split("-")[0] ?? "";
      const html = `<!doctype html><link rel="icon" href="data:," /><body></body><script type="module" src="/${script}.js"></script>`;
      const cookie: Record<string, string> = user === "" ? {} : { "Set-Cookie": `user=${user}; Path=/` };
      return new Response(html, { headers: { "Content-Type": "text/html", ...cookie } });
    };
    const server = Bun.serve(
      bun(chat, {
        port: 0,
        fetch: (request, peer) =>
          new URL(request.url).pathname.startsWith("/chat/") ? chat.fetch(request, peer) : respond(request),
      }),
    );
    return {
      url: `http://127.0.0.1:${server.port}`,
      async stop() {
        await server.stop(true);
        await chat.close();
      },
    };
  }

  test("J70 J74 docs/react.md: chat-app.tsx is a chat, under StrictMode, with a cookie", async () => {
    const { url, stop } = await serve("hooks");
    try {
      const complaints: string[] = [];
      const open = (path: string) => openPage(browser, `${url}/${path}`, { complaints });
      const [alice, bob] = await Promise.all([open("alice-bob"), open("bob-alice")]);
      for (const page of [alice, bob]) await page.locator("form > p", { hasText: /^online$/ }).waitFor();
      await alice.fill("input", "Hello");
      await alice.keyboard.press("Enter");
      await bob.locator("p", { hasText: "alice: Hello (received)" }).waitFor();
      await alice.locator("p", { hasText: "alice: Hello (read)" }).waitFor();
      expect(await alice.inputValue("input")).toBe("");
      expect(complaints).toEqual([]);
    } finally {
      await stop();
    }
  });

  test("W62 docs/react.md: App.tsx is a chat by the element, which sets the cookie by itself", async () => {
    const { url, stop } = await serve("element");
    try {
      const complaints: string[] = [];
      const open = (user: string) => openPage(browser, `${url}/?user=${user}`, { complaints });
      const [alice, bob] = await Promise.all([open("alice"), open("bob")]);
      await alice.fill("#new-to", "bob");
      await alice.keyboard.press("Enter");
      await alice.fill("#text", "Hello");
      await alice.keyboard.press("Enter");
      await bob.click(".person");
      await bob.locator(".message .text", { hasText: "Hello" }).waitFor();
      expect(await alice.locator("tidings-chat").getAttribute("url")).toBe("/chat");
      expect(complaints).toEqual([]);
    } finally {
      await stop();
    }
  });

  test("docs/react.md: sign-out.tsx removes the user's data, and then lets the app go on", async () => {
    const { url, stop } = await serve("leaving");
    try {
      const carol = await openPage(browser, `${url}/carol`);
      const databases = "indexedDB.databases().then((all) => all.length)";
      await carol.locator("button", { hasText: "Sign out" }).waitFor();
      while ((await carol.evaluate<number>(databases)) === 0) await Bun.sleep(5);
      await carol.click("button");
      await carol.locator("body", { hasText: /^nobody$/ }).waitFor();
      expect(await carol.evaluate<number>(databases)).toBe(0);
    } finally {
      await stop();
    }
  });

  test("the components of the pages compile against the package, and JSX refuses an element without its url", async () => {
    const compilerOptions = {
      ...{ target: "ES2023", lib: ["ES2023", "DOM"], types: [], strict: true, skipLibCheck: false, jsx: "react-jsx" },
      ...{ module: "ESNext", moduleResolution: "Bundler", noEmit: true, exactOptionalPropertyTypes: true },
    };
    writeFileSync(
      join(folder, "tsconfig.json"),
      // Next itself has the types of that page: `prove:ui` compiles it.
      JSON.stringify({ compilerOptions, include: ["*.tsx"], exclude: ["page.tsx"] }),
    );
    await compile(folder);
    const wrong = `import type {} from "tidings/react";\nexport const wrong = <tidings-chat user="alice" />;\n`;
    writeFileSync(join(folder, "wrong.tsx"), wrong);
    expect(await compile(folder).then(() => "", String)).toMatch(
      /wrong\.tsx\(2,\d+\): error TS\d+: [^]*Property 'url' is missing/,
    );
  });
});
