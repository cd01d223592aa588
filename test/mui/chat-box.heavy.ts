/** The app of docs/mui.md with the packages of MUI, in a browser: `bun run prove:ui`. It installs 90 MB, too much for every run of the tests. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { bun } from "../../src/adapter/bun.ts";
import { type Chat, createChat } from "../../src/index.ts";
import { blocksOf } from "../docs/block.ts";
import { type App, compile, installed, installQuickly } from "../package/app.ts";
import { removeBuiltPackage } from "../package/built.ts";
import { openBrowser, openPage } from "../support/chromium.ts";
import { until } from "../web/page-actions.ts";

const minutesMs = 300_000;
const muiPackages = [
  "@mui/x-chat@9.0.0-alpha.18",
  "@mui/material@9.5.0",
  "@emotion/react@11.14.0",
  "@emotion/styled@11.14.1",
];
const reactPackages = ["react", "react-dom", "@types/react", "@types/react-dom"].map(installed);

const main = `import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { MuiChat } from "./mui-chat.tsx";
const me = new URLSearchParams(location.search).get("user") ?? "";
createRoot(document.body.appendChild(document.createElement("div"))).render(<StrictMode><MuiChat me={me} /></StrictMode>);`;

/** Compiles the app against the types of MUI and of the package, and makes one script of it. */
async function bundleApp(folder: string): Promise<string> {
  const [snippet] = blocksOf("docs/mui.md").filter(({ info }) => info === "file=mui-chat.tsx");
  writeFileSync(join(folder, "mui-chat.tsx"), snippet?.text ?? "");
  writeFileSync(join(folder, "main.tsx"), main);
  const compilerOptions = {
    ...{ target: "ES2023", lib: ["ES2023", "DOM"], types: [], strict: true, skipLibCheck: true, jsx: "react-jsx" },
    ...{ module: "ESNext", moduleResolution: "Bundler", noEmit: true, allowImportingTsExtensions: true },
  };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, include: ["*.tsx"] }));
  await compile(folder);
  const { outputs } = await Bun.build({
    entrypoints: [join(folder, "main.tsx")],
    target: "browser",
    define: { "process.env.NODE_ENV": '"development"' },
  });
  return (await outputs[0]?.text()) ?? "";
}

describe("MUI X Chat", () => {
  let [app, chat, server, browser] = [
    null as unknown as App,
    null as unknown as Chat,
    null as unknown as Bun.Server<unknown>,
    null as unknown as Browser,
  ];
  beforeAll(async () => {
    app = await installQuickly([...muiPackages, ...reactPackages]);
    const script = await bundleApp(app.folder);
    chat = createChat({
      database: { url: `file:${join(app.folder, "chat.db")}` },
      base: "/chat",
      authorize: (action) => action !== "send" || isAllowed,
      authenticate: ({ headers }) => {
        const user = /user=(\w+)/.exec(headers.get("cookie") ?? "")?.[1];
        return user === undefined ? null : { user };
      },
    });
    await chat.ready();
    server = Bun.serve(
      bun(chat, {
        port: 0,
        fetch(request, peer) {
          const { pathname, searchParams } = new URL(request.url);
          if (pathname.startsWith("/chat/")) return chat.fetch(request, peer);
          if (pathname === "/main.js") return new Response(script, { headers: { "Content-Type": "text/javascript" } });
          const html = `<!doctype html><link rel="icon" href="data:," /><body></body><script type="module" src="/main.js"></script>`;
          return new Response(html, {
            headers: { "Content-Type": "text/html", "Set-Cookie": `user=${searchParams.get("user")}; Path=/` },
          });
        },
      }),
    );
    browser = await openBrowser();
  }, minutesMs);
  afterAll(async () => {
    await browser.close();
    await server.stop(true);
    await chat.close();
    app.remove();
    await removeBuiltPackage();
  });
  let isAllowed = true;

  const open = (user: string, complaints: string[] = []): Promise<Page> =>
    openPage(browser, `http://127.0.0.1:${server.port}/?user=${user}`, { complaints });
  const enter = (page: Page, other: string) =>
    page
      .getByRole("listbox")
      .or(page.locator("nav, aside, [role=list]"))
      .getByText(other, { exact: true })
      .first()
      .click();
  const texts = (page: Page) =>
    page
      .locator("[data-message-id]")
      .evaluateAll((rows) => rows.map((one) => String((one as unknown as { innerText: string }).innerText)));
  const shown = async (page: Page, text: string): Promise<number> =>
    (await texts(page)).filter((one) => one.includes(text)).length;
  const say = async (page: Page, text: string): Promise<void> => {
    await page.locator("textarea").first().fill(text);
    await page.keyboard.press("Enter");
  };

  test(
    "J76 J77 own messages show once, none of another conversation leaks in, and a quick second message is sent",
    async () => {
      await chat.send({ from: "bob", to: "alice", text: "first of bob" });
      await chat.send({ from: "carol", to: "alice", text: "first of carol" });
      const complaints: string[] = [];
      const alice = await open("alice", complaints);
      await enter(alice, "bob");
      await until(() => shown(alice, "first of bob"), 1);
      await say(alice, "mine 1");
      await say(alice, "mine 2");
      await until(() => shown(alice, "mine 1"), 1);
      await until(() => shown(alice, "mine 2"), 1);
      // A message shows before the server has it: bob's next one must not overtake it here.
      const stored = () => chat.messages({ user: "bob", with: "alice", after: 0 });
      await until(() => stored().then((page) => page.messages.length), 3);
      await chat.send({ from: "carol", to: "alice", text: "second of carol" });
      await chat.send({ from: "bob", to: "alice", text: "second of bob" });
      await until(() => shown(alice, "second of bob"), 1);
      expect(await shown(alice, "of carol")).toBe(0);
      expect([await shown(alice, "mine 1"), await shown(alice, "mine 2")]).toEqual([1, 1]);
      expect(await alice.locator("textarea").first().inputValue()).toBe("");
      const { messages } = await stored();
      expect(messages.map(({ text }) => text)).toEqual(["first of bob", "mine 1", "mine 2", "second of bob"]);
      expect(complaints).toEqual([]);
    },
    minutesMs,
  );

  test(
    "J77 a refused message shows why, and is sent by Retry",
    async () => {
      const alice = await open("alice");
      await enter(alice, "bob");
      await until(() => shown(alice, "first of bob"), 1);
      isAllowed = false;
      await say(alice, "forbidden");
      await alice.locator("[role=alert]", { hasText: /\w{3}/ }).waitFor();
      isAllowed = true;
      await alice.getByRole("button", { name: /retry/i }).click();
      await until(() => alice.locator("[role=alert]").count(), 0);
      await until(
        async () =>
          (await chat.messages({ user: "bob", with: "alice" })).messages.filter(({ text }) => text === "forbidden")
            .length,
        1,
      );
      expect(await shown(alice, "forbidden")).toBe(1);
    },
    minutesMs,
  );

  test(
    "J78 older messages load at the top, in order",
    async () => {
      for (let at = 1; at <= 120; at++) await chat.send({ from: "dora", to: "erin", text: `number ${at}.` });
      const erin = await open("erin");
      await enter(erin, "dora");
      await until(() => shown(erin, "number 120."), 1);
      for (let turn = 0; turn < 40 && (await shown(erin, "number 1.")) === 0; turn++) {
        await erin.locator("[data-message-id]").first().scrollIntoViewIfNeeded();
        await erin.mouse.move(600, 250);
        await erin.mouse.wheel(0, -2_000);
        await Bun.sleep(100);
      }
      const numbers = (await texts(erin)).map((text) => Number(/number (\d+)\./.exec(text)?.[1]));
      expect(numbers).toEqual(Array.from({ length: 120 }, (_, at) => at + 1));
    },
    minutesMs,
  );

  test(
    "J81 a text shows as it was written: no image is loaded, and no link hides its address",
    async () => {
      const image = `http://127.0.0.1:${server.port}/image.png`;
      const text = `![](${image}) [https://bank.example](https://elsewhere.example) 2*3*4 # <b>no</b>`;
      await chat.send({ from: "henry", to: "ivy", text });
      await chat.send({ from: "ivy", to: "henry", text: "two\nlines, 5*6*7" });
      const ivy = await open("ivy");
      const urls: string[] = [];
      ivy.on("request", (request) => urls.push(request.url()));
      await enter(ivy, "henry");
      await until(() => shown(ivy, text), 1);
      await until(() => shown(ivy, "two\nlines, 5*6*7"), 1);
      expect(await ivy.locator("[data-message-id] :is(img, a, b, em, h1)").count()).toBe(0);
      expect(urls).not.toContain(image);
    },
    minutesMs,
  );

  test(
    "J78 a message is read when it is on screen, and not before",
    async () => {
      await chat.send({ from: "gina", to: "fred", text: "look" });
      const unread = async () =>
        (await chat.conversations({ user: "fred" })).conversations.find((one) => one.with === "gina")?.unread;
      const fred = await open("fred");
      await fred.getByText("gina", { exact: true }).first().waitFor();
      expect(await unread()).toBe(1);
      await enter(fred, "gina");
      await until(unread, 0);
    },
    minutesMs,
  );
});
