import { join } from "node:path";
import { type BrowserContext, chromium, type Page } from "playwright-core";
import { programPath } from "../../../test/support/prerequisite.ts";

const answerMs = 60_000;

/** Chromium without a window, with a profile on disk, as a user's browser has one. */
export async function withProfile<Result>(
  folder: string,
  use: (context: BrowserContext) => Promise<Result>,
): Promise<Result> {
  const context = await chromium.launchPersistentContext(join(folder, "profile"), {
    executablePath: process.env["CHROMIUM_PATH"] ?? programPath("chromium"),
    locale: "en-GB",
    viewport: { width: 1_120, height: 700 },
    args: ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
  context.setDefaultTimeout(answerMs);
  try {
    return await use(context);
  } finally {
    await context.close();
  }
}

/** A tab that takes nothing from the cache for files. */
export async function newTab(context: BrowserContext): Promise<Page> {
  const page = await context.newPage();
  const session = await context.newCDPSession(page);
  await session.send("Network.enable");
  await session.send("Network.setCacheDisabled", { cacheDisabled: true });
  return page;
}
