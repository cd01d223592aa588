import { deadline } from "../support/deadline.ts";
import { freePort } from "../support/port.ts";
import { programPath } from "../support/prerequisite.ts";
import type { Engine, Tab } from "./tab.ts";

const elementKey = "element-6066-11e4-a52e-4f735466cecf";

/** Starts WebKitGTK on a display of its own, driven by WebDriver. Its profile is in memory, and ends with it. */
export async function openWebKit(): Promise<Engine> {
  const port = freePort();
  const driver = programPath("webkit");
  const child = Bun.spawn(["dbus-run-session", "--", "xvfb-run", "-a", driver, `--port=${port}`, "--host=127.0.0.1"], {
    // A process group of its own: the bus and the display do not end with the process that started them.
    detached: true,
    stdin: "ignore",
    stdout: "ignore",
    stderr: "ignore",
    env: { ...process.env, WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: "1", LIBGL_ALWAYS_SOFTWARE: "1" },
  });
  const base = `http://127.0.0.1:${port}`;

  async function ask<Value>(path: string, options: { method?: string; body?: object } = {}): Promise<Value> {
    const { method = options.body === undefined ? "GET" : "POST", body } = options;
    const response = await fetch(base + path, { method, ...(body !== undefined && { body: JSON.stringify(body) }) });
    const { value } = (await response.json()) as { value: Value & { error?: string; message?: string } };
    if (!response.ok) throw new Error(`${path}: ${value.error} ${value.message}`);
    return value;
  }

  const end = Date.now() + deadline.processMs;
  for (;;) {
    const isReady = await fetch(`${base}/status`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (isReady) break;
    if (child.exitCode !== null || Date.now() > end) throw new Error("The WebDriver of WebKit did not start");
    await Bun.sleep(50);
  }
  const { sessionId } = await ask<{ sessionId: string }>("/session", {
    body: { capabilities: { alwaysMatch: { timeouts: { script: 30_000, pageLoad: 30_000 } } } },
  });
  const session = `/session/${sessionId}`;
  /** It stays: the browser ends with its last window. */
  const [first = ""] = await ask<string[]>(`${session}/window/handles`);

  /** A command goes to the window that was chosen last: one at a time. */
  let last: Promise<unknown> = Promise.resolve();
  function inWindow<Value>(handle: string, work: () => Promise<Value>): Promise<Value> {
    const result = last.then(async () => {
      await ask(`${session}/window`, { body: { handle } });
      return await work();
    });
    last = result.catch(() => {});
    return result;
  }

  const tabOf = (handle: string): Tab => ({
    goto: (url) => inWindow(handle, async () => void (await ask(`${session}/url`, { body: { url } }))),
    async run(expression) {
      const script = `const done = arguments[arguments.length - 1];
        Promise.resolve().then(() => (${expression})).then((value) => done({ value }), (error) => done({ error: String(error) }));`;
      const body = { script, args: [] };
      const { value, error } = await inWindow(handle, () =>
        ask<{ value: never; error?: string }>(`${session}/execute/async`, { body }),
      );
      if (error !== undefined) throw new Error(`${error}: ${expression}`);
      return value;
    },
    type: (text) =>
      inWindow(handle, async () => {
        const active = await ask<Record<string, string>>(`${session}/element/active`);
        const body = { text: text.replaceAll("\n", "\uE007") };
        await ask(`${session}/element/${active[elementKey]}/value`, { body });
      }),
    close: () => inWindow(handle, async () => void (await ask(`${session}/window`, { method: "DELETE" }))),
  });

  return {
    complaints: null,
    async open() {
      const body = { type: "window" };
      const make = () => ask<{ handle: string }>(`${session}/window/new`, { body });
      return tabOf((await inWindow(first, make)).handle);
    },
    async close() {
      await ask(session, { method: "DELETE" }).catch(() => {});
      process.kill(-child.pid, "SIGTERM");
      await child.exited;
    },
  };
}
