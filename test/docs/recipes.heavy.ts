/** The recipes of docs/recipes.md with their packages, in a browser: `bun run prove:ui`. They are 90 MB, too much for every run of the tests. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { bun } from "../../src/adapter/bun.ts";
import { type Chat, createChat } from "../../src/index.ts";
import { type App, compile, installed, installQuickly } from "../package/app.ts";
import { removeBuiltPackage } from "../package/built.ts";
import { openBrowser, openPage } from "../support/chromium.ts";
import { until } from "../web/page-actions.ts";
import { blocksOf } from "./block.ts";

const minutesMs = 300_000;
const packages = [
  ...[
    "@chatscope/chat-ui-kit-react@2.1.1",
    "react-native-gifted-chat@3.4.0",
    "svelte@5.57.3",
    "vue@3.5.45",
    "solid-js@1.9.20",
  ],
  ...["react", "react-dom", "@types/react", "@types/react-dom"].map(installed),
];

const main = `import { createRoot as reactRoot } from "react-dom/client";
import { createRoot as solidRoot, createEffect } from "solid-js";
import { fromStore, get } from "svelte/store";
import { effectScope, watch } from "vue";
import { createClient, memory } from "tidings/client";
import { Tidings } from "tidings/react";
import { Bubbles } from "./bubbles.tsx";
import { ChatscopeChat } from "./chatscope-chat.tsx";
import { fromReadable } from "./solid-readable.js";
import { toStore } from "./svelte-readable.js";
import { useReadable } from "./vue-readable.js";
const [me, other] = location.pathname.slice(1).split("-");
const client = createClient({ url: location.origin + "/chat", user: me, storage: memory() });
const seen = (globalThis.seen = { svelte: [], current: () => fromStore(toStore(client.status)).current.state, vue: [], solid: [], now: () => get(toStore(client.status)).state });
toStore(client.status).subscribe(({ state }) => seen.svelte.push(state));
const scope = effectScope();
scope.run(() => { const status = useReadable(client.status); watch(status, ({ state }) => seen.vue.push(state), { immediate: true, flush: "sync" }); });
globalThis.stop = () => scope.stop();
solidRoot(() => { const status = fromReadable(client.status); createEffect(() => seen.solid.push(status().state)); });
const place = (id) => document.body.appendChild(Object.assign(document.createElement("div"), { id }));
reactRoot(place("bubbles")).render(<Tidings client={client}><Bubbles other={other} /></Tidings>);
reactRoot(place("chatscope")).render(<Tidings client={client}><ChatscopeChat other={other} /></Tidings>);`;

/** Writes the recipes, compiles them against the types of their packages, and makes one script of them. */
async function bundleRecipes(folder: string): Promise<string> {
  for (const { info, text } of blocksOf("docs/recipes.md"))
    if (info.startsWith("file=")) writeFileSync(join(folder, info.slice("file=".length)), text);
  const compilerOptions = {
    ...{ target: "ES2023", lib: ["ES2023", "DOM"], types: [], strict: true, skipLibCheck: true, jsx: "react-jsx" },
    ...{ module: "ESNext", moduleResolution: "Bundler", noEmit: true },
  };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, include: ["*.tsx"] }));
  await compile(folder);
  writeFileSync(join(folder, "main.tsx"), main);
  const { outputs } = await Bun.build({
    entrypoints: [join(folder, "main.tsx")],
    ...{ target: "browser", conditions: ["browser"], define: { "process.env.NODE_ENV": '"development"' } },
  });
  return (await outputs[0]?.text()) ?? "";
}

describe("recipes", () => {
  let [app, chat, server, browser] = [
    null as unknown as App,
    null as unknown as Chat,
    null as unknown as Bun.Server<unknown>,
    null as unknown as Browser,
  ];
  beforeAll(async () => {
    app = await installQuickly(packages);
    mkdirSync(app.folder, { recursive: true });
    const script = await bundleRecipes(app.folder);
    chat = createChat({
      ...{ database: { url: `file:${join(app.folder, "chat.db")}` }, base: "/chat" },
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
          const { pathname } = new URL(request.url);
          if (pathname.startsWith("/chat/")) return chat.fetch(request, peer);
          if (pathname === "/main.js") return new Response(script, { headers: { "Content-Type": "text/javascript" } });
          const html = `<!doctype html><link rel="icon" href="data:," /><body></body><script type="module" src="/main.js"></script>`;
          const cookie = `user=${pathname.slice(1).split("-")[0]}; Path=/`;
          return new Response(html, { headers: { "Content-Type": "text/html", "Set-Cookie": cookie } });
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
  const open = (path: string, complaints: string[]): Promise<Page> =>
    openPage(browser, `http://127.0.0.1:${server.port}/${path}`, { complaints });
  const texts = (page: Page, place: string) =>
    page.locator(`#${place} ${place === "bubbles" ? "div > p" : ".cs-message span"}`).allTextContents();

  test(
    "chatscope and bubbles of one's own show texts as texts, once, and send what is typed",
    async () => {
      const complaints: string[] = [];
      const markup = `<img src=x onerror="document.title='pwned'">`;
      await chat.send({ from: "bob", to: "alice", text: markup });
      const [alice, bob] = await Promise.all([open("alice-bob", complaints), open("bob-alice", complaints)]);
      for (const place of ["bubbles", "chatscope"]) await until(() => texts(alice, place), [markup]);
      await alice.locator("#chatscope [contenteditable]").click();
      await alice.keyboard.type("a < b & c");
      await until(
        () =>
          bob
            .locator("#bubbles")
            .innerText()
            .then((text) => text.includes("alice …")),
        true,
      );
      await alice.keyboard.press("Enter");
      for (const page of [alice, bob])
        for (const place of ["bubbles", "chatscope"]) await until(() => texts(page, place), [markup, "a < b & c"]);
      await until(() => alice.locator("#chatscope [contenteditable]").innerText(), "");
      await alice.locator("#bubbles small", { hasText: "✓✓ read" }).waitFor();
      expect(await alice.title()).toBe("");
      expect(complaints).toEqual([]);
    },
    minutesMs,
  );

  test(
    "J11 Svelte, Vue and Solid have the snapshots of a Readable",
    async () => {
      const carol = await open("carol-dave", []);
      await until(
        () => carol.evaluate("[seen.svelte, seen.vue, seen.solid].map((states) => states.at(-1))"),
        ["online", "online", "online"],
      );
      expect(await carol.evaluate("[seen.current(), seen.now(), seen.svelte[0], seen.vue[0], seen.solid[0]]")).toEqual([
        "online",
        "online",
        "idle",
        "idle",
        "idle",
      ]);
    },
    minutesMs,
  );
});
