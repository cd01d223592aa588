import { type Browser, chromium, type Page } from "playwright-core";
import { findProgram, programPath } from "./prerequisite.ts";
import { deadline } from "./deadline.ts";

/**
 * Each window loads two pages of the browser's own for the list below its address bar, which takes as long as a page of ours. Only the last
 * list of features counts, so it repeats those that Playwright turns off.
 */
const featuresOff = [
  ...["WebUIOmniboxPopup", "WebUIOmniboxAimPopup"],
  ...["AimEnabled", "AvoidCorsURLLoaderRestartOnRedirect", "AvoidUnnecessaryBeforeUnloadCheckSync"],
  ...[
    "DestroyProfileOnBrowserClose",
    "HttpsFirstBalancedModeAutoEnable",
    "HttpsUpgrades",
    "LensOverlay",
    "MediaRouter",
  ],
  ...["NetworkTimeServiceQuerying", "OptimizationHints", "PaintHolding", "PreconnectToSearch"],
  "ThirdPartyStoragePartitioning",
];

export type BrowserOptions = {
  /** Whether it must be the whole browser: only that shows notifications. Default: false. */
  readonly isWhole?: boolean;
};

/**
 * Starts Chromium without a window: the whole browser, or its headless shell, which shows pages with two thirds of the processor time.
 * `CHROMIUM_PATH` names another program than those on PATH.
 */
export function openBrowser({ isWhole = false }: BrowserOptions = {}): Promise<Browser> {
  const shell = isWhole ? null : findProgram("chromium-headless-shell");
  return chromium.launch({
    executablePath: process.env["CHROMIUM_PATH"] ?? shell ?? programPath("chromium"),
    args: [
      "--no-sandbox",
      "--disable-quic",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      `--disable-features=${featuresOff.join()}`,
    ],
  });
}

export type PageOptions = NonNullable<Parameters<Browser["newContext"]>[0]>;

/** Opens an address in a browser profile of its own; `complaints` collects the errors of its console. */
export async function openPage(
  browser: Browser,
  url: string,
  options: PageOptions & { readonly complaints?: string[]; readonly prepare?: (page: Page) => Promise<void> } = {},
): Promise<Page> {
  const { complaints = [], prepare, ...profile } = options;
  const context = await browser.newContext({ locale: "en-GB", ...profile });
  const page = await context.newPage();
  page.setDefaultTimeout(deadline.answerMs);
  page.on("pageerror", (error) => complaints.push(`${page.url()}: ${error.message}`));
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") complaints.push(`${page.url()}: ${message.text()}`);
  });
  await prepare?.(page);
  await page.goto(url);
  return page;
}
