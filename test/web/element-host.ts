import { afterAll, afterEach, beforeAll, expect } from "bun:test";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { bun } from "../../src/adapter/bun.ts";
import { type Chat, createChat } from "../../src/index.ts";
import { openBrowser, openPage, type PageOptions } from "../support/chromium.ts";
import type { Alteration } from "../support/alter-source.ts";
import { bundleAlteredPage } from "../support/altered-page.ts";
import { describeWith } from "../support/prerequisite.ts";
import { temporaryFolder } from "../support/server.ts";

/** The strictest policy under which a page can have a script and a style at all. */
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; " +
  "require-trusted-types-for 'script'; trusted-types 'none'";

export type OpenOptions = PageOptions & {
  readonly prepare?: (page: Page) => Promise<void>;
  readonly user: string;
  /** What is in the page, beside the script of the element. */
  readonly html: string;
  /** A script and a style of the page itself. */
  readonly script?: string;
  readonly css?: string;
  /** Default: the cookie says who it is. `token`: only a token does, which is the name of the user. */
  readonly proof?: "cookie" | "token";
  readonly isNoisy?: boolean;
};

export type ElementTest = {
  /** Opens a page of somebody with elements in it, in a profile of its own. */
  open(options: OpenOptions): Promise<Page>;
  /** Opens the same page again, beside it. */
  again(page: Page): Promise<Page>;
  chat(): Chat;
  /** Names that no other test of the file uses. */
  names(): readonly [string, string];
};

type Options = {
  readonly title: string;
  /** Faults that are planted into the element. */
  readonly alterations?: readonly Alteration[];
};

/** A server with a chat that an app has mounted, and the app's own pages. */
export function describeElement({ title, alterations = [] }: Options, tests: (element: ElementTest) => void): void {
  describeWith("chromium", title, () => {
    const folder = temporaryFolder();
    const files = new Map<string, { readonly type: string; readonly text: string; readonly user?: string }>();
    let [chat, browser, server] = [
      null as unknown as Chat,
      null as unknown as Browser,
      null as unknown as Bun.Server<unknown>,
    ];
    let complaints: string[] = [];
    let count = 0;

    const respond = (request: Request): Response => {
      const file = files.get(new URL(request.url).pathname);
      if (file === undefined) return new Response("", { status: 404 });
      const headers = new Headers({ "Content-Type": file.type, "Content-Security-Policy": policy });
      if (file.user !== undefined) headers.set("Set-Cookie", `user=${file.user}; Path=/`);
      return new Response(file.text, { headers });
    };

    beforeAll(async () => {
      chat = createChat({
        database: { url: `file:${join(folder, "chat.db")}` },
        base: "/chat",
        authenticate: ({ headers }) => {
          const user =
            headers.get("authorization")?.slice("Bearer ".length) ??
            /user=(\w+)/.exec(headers.get("cookie") ?? "")?.[1];
          return user === undefined ? null : { user };
        },
      });
      const [script] = await Promise.all([
        bundleAlteredPage(alterations, { entry: "web/tidings-chat.ts" }),
        chat.ready(),
      ]);
      files.set("/chat/tidings-chat.js", { type: "text/javascript", text: script });
      server = Bun.serve(
        bun(chat, {
          port: 0,
          fetch: (request, peer) => {
            const { pathname } = new URL(request.url);
            return pathname.startsWith("/chat/") && !files.has(pathname) ? chat.fetch(request, peer) : respond(request);
          },
        }),
      );
      browser = await openBrowser();
    });
    afterAll(async () => {
      await browser.close();
      await server.stop(true);
      await chat.close();
    });
    afterEach(async () => {
      await Promise.all(browser.contexts().map((context) => context.close()));
      const told = complaints;
      complaints = [];
      expect(told).toEqual([]);
    });

    tests({
      chat: () => chat,
      names() {
        count += 1;
        return [`alice${count}`, `bob${count}`];
      },
      async again(page) {
        const second = await page.context().newPage();
        await second.goto(page.url());
        return second;
      },
      async open({ user, html, script = "", css = "", proof = "cookie", isNoisy = false, ...options }) {
        const name = `/${files.size}`;
        files.set(`${name}.js`, { type: "text/javascript", text: script });
        files.set(`${name}.css`, { type: "text/css", text: css });
        const text = `<!doctype html><html lang="en"><title>A shop</title><link rel="icon" href="data:," />
          <link rel="stylesheet" href="${name}.css" /><script type="module" src="${name}.js"></script>
          <script type="module" src="/chat/tidings-chat.js"></script><main><h1>A shop</h1>${html}</main></html>`;
        files.set(name, { type: "text/html; charset=utf-8", text, ...(proof === "cookie" && { user }) });
        const url = `http://127.0.0.1:${server.port}${name}`;
        return await openPage(browser, url, { ...options, complaints: isNoisy ? [] : complaints });
      },
    });
  });
}
