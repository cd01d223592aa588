import { openBrowser } from "../support/chromium.ts";
import type { Engine } from "./tab.ts";

/** Chromium without a window, driven as the other engines are. */
export async function openChromium(): Promise<Engine> {
  const browser = await openBrowser({ isWhole: true });
  const context = await browser.newContext({ locale: "en-GB" });
  const complaints: string[] = [];
  context.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") complaints.push(message.text());
  });
  context.on("weberror", (error) => complaints.push(error.error().message));
  return {
    complaints,
    async open() {
      const page = await context.newPage();
      return {
        goto: async (url) => void (await page.goto(url)),
        run: (expression) => page.evaluate(`(async () => (${expression}))()`),
        async type(text) {
          for (const [at, line] of text.split("\n").entries()) {
            if (at > 0) await page.keyboard.press("Enter");
            await page.keyboard.type(line);
          }
        },
        close: () => page.close(),
      };
    },
    close: () => browser.close(),
  };
}
