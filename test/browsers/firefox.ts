import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deadline } from "../support/deadline.ts";
import { programPath } from "../support/prerequisite.ts";
import type { Engine, Tab } from "./tab.ts";

/** No first-run pages, no requests to the makers of the browser. */
const preferences = {
  "app.update.auto": false,
  "browser.aboutwelcome.enabled": false,
  "browser.shell.checkDefaultBrowser": false,
  "browser.sessionstore.resume_from_crash": false,
  "browser.startup.page": 0,
  "datareporting.policy.dataSubmissionEnabled": false,
  "extensions.autoDisableScopes": 0,
  "network.captive-portal-service.enabled": false,
  "network.connectivity-service.enabled": false,
  "services.settings.server": "data:,",
  "toolkit.startup.max_resumed_crashes": -1,
  "toolkit.telemetry.enabled": false,
};

type Message = {
  readonly id?: number;
  readonly type?: string;
  readonly method?: string;
  readonly params?: { readonly level?: string; readonly text?: string };
  readonly result?: unknown;
  readonly error?: string;
  readonly message?: string;
};

/** Commands of WebDriver BiDi over one socket. */
async function connect(url: string, complaints: string[]) {
  const socket = new WebSocket(url);
  await new Promise<void>((resolve, reject) => {
    socket.onopen = () => resolve();
    socket.onerror = () => reject(new Error(`${url} does not answer`));
  });
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  let count = 0;
  socket.onmessage = ({ data }) => {
    const { id, method, params, result, error, message } = JSON.parse(String(data)) as Message;
    if (method === "log.entryAdded" && (params?.level === "error" || params?.level === "warn"))
      complaints.push(params.text ?? "");
    const answer = waiting.get(id ?? -1);
    waiting.delete(id ?? -1);
    if (error === undefined) answer?.resolve(result);
    else answer?.reject(new Error(`${error}: ${message}`));
  };
  socket.onclose = () => {
    for (const answer of waiting.values()) answer.reject(new Error("Firefox has ended"));
  };
  return async <Result>(method: string, params: object): Promise<Result> => {
    const id = ++count;
    const answer = Promise.withResolvers<unknown>();
    waiting.set(id, answer);
    socket.send(JSON.stringify({ id, method, params }));
    return (await answer.promise) as Result;
  };
}

type Evaluated =
  | { readonly type: "success"; readonly result: { readonly value?: string } }
  | { readonly type: "exception"; readonly exceptionDetails: { readonly text: string } };

export type FirefoxOptions = {
  /** A profile that is kept; default: a new one. */
  readonly folder?: string;
  /** All windows are private ones. */
  readonly isPrivate?: boolean;
};

/** Starts Firefox without a window. */
export async function openFirefox({ folder, isPrivate = false }: FirefoxOptions = {}): Promise<
  Engine & { kill(): Promise<void> }
> {
  const profile = folder ?? mkdtempSync(join(tmpdir(), "tidings-firefox-"));
  const own = { ...preferences, "browser.privatebrowsing.autostart": isPrivate };
  const lines = Object.entries(own).map(([name, value]) => `user_pref("${name}", ${JSON.stringify(value)});`);
  writeFileSync(join(profile, "user.js"), lines.join("\n"));
  const child = Bun.spawn(
    [programPath("firefox"), "--headless", "--no-remote", "--profile", profile, "--remote-debugging-port", "0"],
    {
      stdin: "ignore",
      stdout: "ignore",
      stderr: "pipe",
      env: { ...process.env, HOME: profile, MOZ_CRASHREPORTER_DISABLE: "1" },
    },
  );
  const url = Promise.withResolvers<string>();
  void (async () => {
    let output = "";
    const decoder = new TextDecoder();
    for await (const bytes of child.stderr) {
      output = (output + decoder.decode(bytes, { stream: true })).slice(-20_000);
      const [, found] = /WebDriver BiDi listening on (ws:\/\/\S+)/.exec(output) ?? [];
      if (found !== undefined) url.resolve(found);
    }
    url.reject(new Error(`Firefox ended before it listened:\n${output}`));
  })();
  const timer = setTimeout(() => child.kill("SIGKILL"), deadline.processMs);
  const complaints: string[] = [];
  const command = await connect(`${await url.promise}/session`, complaints);
  clearTimeout(timer);
  await command("session.new", { capabilities: {} });
  await command("session.subscribe", { events: ["log.entryAdded"] });

  function tabOf(context: string): Tab {
    return {
      async goto(address) {
        await command("browsingContext.navigate", { context, url: address, wait: "complete" });
      },
      async run(expression) {
        const evaluated = await command<Evaluated>("script.evaluate", {
          expression: `Promise.resolve(${expression}).then((value) => JSON.stringify({ value }))`,
          target: { context },
          awaitPromise: true,
        });
        if (evaluated.type === "exception") throw new Error(`${evaluated.exceptionDetails.text}: ${expression}`);
        return (JSON.parse(evaluated.result.value ?? "{}") as { value: never }).value;
      },
      async type(text) {
        const actions = Array.from(text).flatMap((sign) => {
          const value = sign === "\n" ? "\uE007" : sign;
          return [
            { type: "keyDown", value },
            { type: "keyUp", value },
          ];
        });
        await command("input.performActions", { context, actions: [{ type: "key", id: "keys", actions }] });
      },
      async close() {
        await command("browsingContext.close", { context });
      },
    };
  }

  async function end(signal: "SIGTERM" | "SIGKILL"): Promise<void> {
    child.kill(signal);
    await child.exited;
  }

  return {
    complaints,
    async open() {
      const { context } = await command<{ context: string }>("browsingContext.create", { type: "window" });
      return tabOf(context);
    },
    kill: () => end("SIGKILL"),
    async close() {
      await end("SIGTERM");
      if (folder === undefined) rmSync(profile, { recursive: true, force: true });
    },
  };
}
