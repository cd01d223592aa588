import type { BrowserOptions } from "../support/chromium.ts";
import { describeWith } from "../support/prerequisite.ts";
import type { CrashWorld } from "./crash.ts";
import { startWired } from "./start-wired.ts";

/** Tests over one server, one browser and one wire; each call of `world` names two new users. `script`: what the page runs in place of its own. */
export function describeCrash(
  title: string,
  options: BrowserOptions & { readonly tests: (world: (script?: string) => CrashWorld) => void },
): void {
  describeWith("chromium", title, () => {
    const wired = startWired(options);
    let count = 0;
    options.tests((script) => {
      count += 1;
      const { browser, wire, server } = wired();
      const users = [`alice${count}`, `bob${count}`] as const;
      const own = { browser, wire, server: `http://127.0.0.1:${server.port}`, users };
      return script === undefined ? own : { ...own, script };
    });
  });
}
