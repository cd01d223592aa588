/**
 * The apps of docs/react.md and docs/next.md in empty apps, which the commands of Vite and Next have made, in a browser: `bun run prove:ui`. They
 * install 600 MB, too much for every run of the tests.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { installed } from "../package/app.ts";
import { builtPackage, removeBuiltPackage, run } from "../package/built.ts";
import { openBrowser, openPage } from "../support/chromium.ts";
import { freePort } from "../support/port.ts";
import { temporaryFolder } from "../support/server.ts";
import { blocksOf } from "./block.ts";

const minutesMs = 600_000;
const folder = temporaryFolder();
const textOf = (page: string, info: string): string => blocksOf(page).find((one) => one.info === info)?.text ?? "";

/** The one line that a page adds to a file of settings. */
const lineOf = (page: string, start: string): string => {
  const line = blocksOf(page).find(({ language, text }) => language === "js" && text.startsWith(start))?.text ?? "";
  expect(line).toStartWith(start);
  return line;
};

/** Replaces a text that must be there. */
function change(text: string, from: string, to: string): string {
  expect(text).toContain(from);
  return text.replaceAll(from, to);
}

/** Starts a program, and resolves once the address answers. */
async function start(
  command: readonly string[],
  { cwd, url, env = {} }: { readonly cwd: string; readonly url: string; readonly env?: Record<string, string> },
): Promise<() => Promise<void>> {
  const stdio = { stdin: "ignore", stdout: "inherit", stderr: "inherit" } as const;
  const child = Bun.spawn([...command], {
    cwd,
    ...stdio,
    env: { ...process.env, NEXT_TELEMETRY_DISABLED: "1", ...env },
  });
  const answers = (): Promise<boolean> =>
    fetch(url).then(
      () => true,
      () => false,
    );
  while (!(await answers())) {
    if (child.exitCode !== null) throw new Error(`${command.join(" ")} ended`);
    await Bun.sleep(50);
  }
  return async () => {
    child.kill();
    const force = setTimeout(() => child.kill("SIGKILL"), 10_000);
    await child.exited;
    clearTimeout(force);
  };
}

/** What every chat of a page must do, by the element: two users write, one of them without a network, and one signs out. */
async function chatBy(browser: Browser, open: (user: string) => Promise<Page>): Promise<void> {
  try {
    await chat(await open("alice"), await open("bob"));
  } finally {
    // A server that is stopped waits for these connections.
    for (const context of browser.contexts()) await context.close();
  }
}

async function chat(alice: Page, bob: Page): Promise<void> {
  const say = async (page: Page, text: string): Promise<void> => {
    await page.fill("#text", text);
    await page.press("#text", "Enter");
  };
  const has = (page: Page, text: string) => page.locator(".message .text", { hasText: text }).waitFor();
  const openThread = (page: Page, other: string) =>
    page.evaluate(
      `customElements.whenDefined("tidings-chat").then(() => document.querySelector("tidings-chat").open("${other}"))`,
    );
  const first = `Hello at ${Date.now()}`;
  await openThread(alice, "bob");
  await say(alice, first);
  await openThread(bob, "alice");
  await has(bob, first);
  await say(bob, `${first}, alice`);
  await has(alice, `${first}, alice`);
  await alice.reload();
  await openThread(alice, "bob");
  await has(alice, `${first}, alice`);
  // Sockets that are open stay open in such a browser: they are tested elsewhere.
  await alice.context().setOffline(true);
  await say(alice, `${first}, on a train`);
  await has(alice, `${first}, on a train`);
  await alice.context().setOffline(false);
  await has(bob, `${first}, on a train`);
  expect(await bob.locator(".message .text", { hasText: first }).allTextContents()).toEqual([
    ...[first, `${first}, alice`, `${first}, on a train`],
  ]);
  expect(await alice.evaluate(`document.querySelector("tidings-chat").signOut()`)).toEqual({ unsent: 0 });
  expect(await alice.evaluate("indexedDB.databases().then((all) => all.length)")).toBe(0);
}

describe("empty apps", () => {
  let [browser, tarball] = [null as unknown as Browser, ""];
  const stops: (() => Promise<void>)[] = [];
  beforeAll(async () => {
    ({ tarball } = await builtPackage());
    browser = await openBrowser();
  }, minutesMs);
  afterAll(async () => {
    // First the browser: servers wait for its connections.
    await browser.close();
    for (const stop of stops) await stop();
    rmSync(folder, { recursive: true, force: true });
    await removeBuiltPackage();
  }, minutesMs);
  const install = (cwd: string, more: readonly string[]): Promise<string> =>
    run(["npm", "install", "--prefer-offline", "--no-audit", "--no-fund", tarball, ...more], cwd);
  const sockets = ["@hono/node-server", "ws"].map(installed);

  test(
    "docs/react.md: an empty app of Vite has a chat, is built, and needs at most 30 lines",
    async () => {
      const template = ["--template", "react-ts", "--no-interactive"];
      await run(["npm", "create", "--yes", "vite@9.3.0", "vite-app", "--", ...template], folder);
      const cwd = join(folder, "vite-app");
      await install(cwd, [...sockets, "tsx@4.23.15"]);
      const [chatPort, port] = [freePort(), freePort()];
      const [server, app] = [textOf("docs/react.md", "file=react-server.ts"), textOf("docs/react.md", "file=App.tsx")];
      const proxy = lineOf("docs/react.md", "server: ");
      expect([server, app, proxy].join("").split("\n").filter(isCode).length).toBeLessThanOrEqual(30);
      writeFileSync(join(cwd, "server.ts"), change(server, "3000", String(chatPort)));
      writeFileSync(join(cwd, "src/App.tsx"), app);
      const plugins = "plugins: [react()],";
      const settings = readFileSync(join(cwd, "vite.config.ts"), "utf8");
      const changed = change(settings, plugins, `${plugins}\n${change(proxy, "3000", String(chatPort))}`);
      writeFileSync(join(cwd, "vite.config.ts"), changed);
      await run(["npm", "run", "build"], cwd);
      const bin = join(cwd, "node_modules/.bin");
      stops.push(await start([join(bin, "tsx"), "server.ts"], { cwd, url: `http://127.0.0.1:${chatPort}` }));
      const url = `http://localhost:${port}`;
      stops.push(await start([join(bin, "vite"), "--port", String(port), "--strictPort"], { cwd, url }));
      await chatBy(browser, (user) => openPage(browser, `${url}/?user=${user}`));
    },
    minutesMs,
  );

  test(
    "docs/next.md: an empty app of Next.js has a chat by polling, and by sockets as it is built",
    async () => {
      const chosen = ["--yes", "--ts", "--app", "--no-tailwind", "--no-eslint", "--no-src-dir", "--disable-git"];
      await run(["npx", "--yes", "create-next-app@16.4.3", "next-app", ...chosen, "--skip-install"], folder);
      const cwd = join(folder, "next-app");
      await install(cwd, sockets);
      const write = (path: string, text: string): void => {
        mkdirSync(dirname(join(cwd, path)), { recursive: true });
        writeFileSync(join(cwd, path), text);
      };
      const chatFile = textOf("docs/next.md", "app=next-chat");
      const page = [textOf("docs/next.md", "file=next-page.tsx"), textOf("docs/next.md", "file=next-my-chat.tsx")];
      const route = textOf("docs/next.md", "app=next-route");
      expect([chatFile, route, ...page].join("").split("\n").filter(isCode).length).toBeLessThanOrEqual(35);
      write("lib/chat.ts", chatFile);
      write("app/chat/[...path]/route.ts", route);
      write("app/page.tsx", page[0] ?? "");
      write("app/my-chat.tsx", page[1] ?? "");
      // Without the fonts of another server.
      write(
        "app/layout.tsx",
        `export default function RootLayout({ children }: { children: React.ReactNode }) {
  return <html lang="en"><body>{children}</body></html>;
}`,
      );
      const [chatPort, port] = [freePort(), freePort()];
      const url = `http://localhost:${port}`;
      const next = join(cwd, "node_modules/.bin/next");
      const env = { CHAT_PORT: String(chatPort) };
      const openAs = async (user: string): Promise<Page> => {
        const opened = await openPage(browser, url, { prepare: withCookie(url, user) });
        await opened.locator("#status[data-state=online]").waitFor({ state: "attached", timeout: 60_000 });
        return opened;
      };
      const stopDev = await start([next, "dev", "-p", String(port)], { cwd, url, env });
      try {
        await chatBy(browser, openAs);
      } finally {
        await stopDev();
      }

      write("lib/chat.ts", change(chatFile, `base: "/chat",`, `base: "/chat", origins: ["${url}"],`));
      write("lib/sockets.ts", textOf("docs/next.md", "app=next-sockets"));
      write("instrumentation.ts", textOf("docs/next.md", "app=next-instrumentation"));
      const rewrites = change(lineOf("docs/next.md", "rewrites: "), "3001", String(chatPort));
      const settings = readFileSync(join(cwd, "next.config.ts"), "utf8");
      const begin = "const nextConfig: NextConfig = {";
      write("next.config.ts", change(settings, begin, `${begin}\n${rewrites}`));
      // The page with the hooks, beside the one with the element.
      const hooks =
        blocksOf("docs/next.md").find(({ language, info }) => language === "tsx" && info === "")?.text ?? "";
      const signedIn = page[0]?.slice(page[0].indexOf("async function SignedIn")) ?? "";
      write(
        "app/hooks/page.tsx",
        change(change(page[0] ?? "", signedIn, hooks), `{ MyChat } from "./my-chat"`, `{ ChatApp } from "../chat-app"`),
      );
      write("app/chat-app.tsx", `"use client";\n${textOf("docs/react.md", "file=chat-app.tsx")}`);
      await run(["env", "NEXT_TELEMETRY_DISABLED=1", next, "build"], cwd);
      stops.push(await start([next, "start", "-p", String(port)], { cwd, url, env }));
      const complaints: string[] = [];
      await chatBy(browser, async (user) => {
        const opened = await openAs(user);
        opened.on("console", (message) => void (message.type() === "error" && complaints.push(message.text())));
        const { transport } = await opened.evaluate<{ transport: string }>(
          `document.querySelector("tidings-chat").client.status.get()`,
        );
        expect(transport).toBe("socket");
        return opened;
      });
      const carol = await openPage(browser, `${url}/hooks`, { prepare: withCookie(url, "carol"), complaints });
      await carol.locator("form > p", { hasText: /^online$/ }).waitFor();
      await carol.context().close();
      expect(complaints.filter((text) => !text.includes("net::ERR_INTERNET_DISCONNECTED"))).toEqual([]);
    },
    minutesMs,
  );
});

const isCode = (line: string): boolean => !/^\s*(\/\/.*|\/?\*.*)?$/.test(line);

/** Signs in before the first page, as a page's own sign-in would have. */
const withCookie = (url: string, user: string) => (page: Page) =>
  page.context().addCookies([{ name: "user", value: user, url }]);
