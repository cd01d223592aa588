import { afterAll, afterEach, beforeAll, expect } from "bun:test";
import type { Browser, Page } from "playwright-core";
import { openBrowser, openPage, type PageOptions } from "../support/chromium.ts";
import { describeWith } from "../support/prerequisite.ts";
import { type RunningServer, startServer } from "../support/server.ts";
import { post } from "./page-actions.ts";

type OpenOptions = PageOptions & {
  readonly prepare?: (page: Page) => Promise<void>;
  /** The browser logs what the test does to it. */
  readonly isNoisy?: boolean;
  /** Collects the errors of its console, which then fail no test. */
  readonly complaints?: string[];
};

/** A server, a browser, and pages whose consoles stay silent. */
export type PageTest = {
  readonly base: () => string;
  readonly port: () => number;
  /** Opens a page in a profile of its own: a path of the server, or the whole address of a page of another one. */
  open(path: string, options?: OpenOptions): Promise<Page>;
  /** Names that no other test of the file uses. */
  names(): readonly [string, string];
  /** `from` sends texts to `to`, without a page. */
  post(from: string, to: string, texts: readonly string[]): Promise<void>;
};

export function describePage(title: string, tests: (page: PageTest) => void): void {
  describeWith("chromium", title, () => {
    let server: RunningServer;
    let browser: Browser;
    let complaints: string[] = [];
    let count = 0;
    beforeAll(async () => {
      [server, browser] = await Promise.all([startServer(), openBrowser()]);
    });
    afterAll(async () => {
      await browser.close();
      await server.dispose();
    });
    afterEach(async () => {
      await Promise.all(browser.contexts().map((context) => context.close()));
      const told = complaints;
      complaints = [];
      expect(told).toEqual([]);
    });
    const base = (): string => `http://127.0.0.1:${server.port}`;
    tests({
      base,
      port: () => server.port,
      open: (path, { isNoisy = false, ...options } = {}) =>
        openPage(browser, new URL(path, base()).href, { complaints: isNoisy ? [] : complaints, ...options }),
      names() {
        count += 1;
        return [`alice${count}`, `bob${count}`];
      },
      post: (from, to, texts) => post(base(), from, { to, texts }),
    });
  });
}
