import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join as joinPath } from "node:path";
import { hasText, join } from "../support/client.ts";
import { type NatsServer, startNats } from "../support/nats-server.ts";
import { describeWith } from "../support/prerequisite.ts";
import { startServer } from "../support/server.ts";
import { newId } from "../support/store.ts";
import { type App, compileExamples, installed, installOnNode, installQuickly, resolveOnNode } from "./app.ts";
import { removeBuiltPackage, run } from "./built.ts";
import { describeInstalled } from "./can-install.ts";
import { lowestPeers, newestPeers, type PeerSet } from "./peers.ts";

/** `TIDINGS_PEERS=newest`: also the newest versions in the registry, which change every week. */
const wantsNewest = process.env["TIDINGS_PEERS"] === "newest";

afterAll(removeBuiltPackage);

/** `@hono/node-server` 2 does this by itself. */
const honoNodeOnFirst = `import { serve } from "@hono/node-server";
import { createNodeWebSocket } from "@hono/node-ws";
import { Hono } from "hono";
import { hono } from "tidings/hono";
import { chat, port, serving } from "./chat.ts";

const app = new Hono();
const { injectWebSocket, upgradeWebSocket } = createNodeWebSocket({ app });
app.route("/chat", hono(chat, upgradeWebSocket));
await chat.ready();
const options = { port, hostname: "127.0.0.1", fetch: app.fetch };
const server = serve(options, (address) => serving(address.port));
injectWebSocket(server);
`;

/** Bodies are parsed before the chat gets them, as by express.json(). */
const parsedBefore = `import { createServer, type IncomingMessage } from "node:http";
import { node } from "tidings/node";
import { chat, port, serving } from "./chat.ts";

await chat.ready();
const { request, upgrade } = node(chat);
const server = createServer(async (incoming: IncomingMessage & { body?: unknown }, outgoing) => {
  let text = "";
  for await (const part of incoming) text += part;
  if (text !== "") incoming.body = JSON.parse(text);
  request(incoming, outgoing);
}).on("upgrade", upgrade);
server.listen(port, "127.0.0.1", () => serving(Object(server.address()).port));
`;

/** Two nodes: the second receives a message that the first publishes. */
const overNats = `import { nats } from "tidings/nats";

const [one, two] = [0, 1].map(() => nats({ servers: process.env.NATS_URL ?? "" }));
if (one === undefined || two === undefined) throw new Error("there are two");
await new Promise<void>((resolve) => {
  two.subscribe(["hello"], (text) => {
    console.log(text);
    resolve();
  });
  const say = () => one.publish(["hello"], "heard");
  one.onGap(say);
  two.onGap(say);
});
await Promise.all([one.close(), two.close()]);
`;

async function install({ packages }: PeerSet): Promise<App> {
  const isFirst = packages.some((name) => /^@hono\/node-server@\^?1\./.test(name));
  const all = [
    ...packages,
    installed("@types/node"),
    ...(isFirst ? ["@hono/node-ws@^1.3.0", installed("@types/ws")] : []),
  ];
  // Only npm refuses versions that do not fit together.
  const app = isFirst ? await installOnNode(all) : await installQuickly(all);
  mkdirSync(joinPath(app.folder, "app"));
  if (isFirst) writeFileSync(joinPath(app.folder, "app/hono-node.ts"), honoNodeOnFirst);
  writeFileSync(joinPath(app.folder, "app/parsed.ts"), parsedBefore);
  writeFileSync(joinPath(app.folder, "app/nats.ts"), overNats);
  const examples = ["chat", "node", ...(isFirst ? [] : ["hono-node"])];
  await compileExamples(app, "node", (name) => examples.includes(name));
  return app;
}

async function carryMessage(app: App, example: string): Promise<void> {
  const base = example.startsWith("hono") ? "/chat" : "";
  const server = await startServer({ runtime: app.runtime, script: app.example(example), dir: app.folder, base });
  try {
    const bob = await join(server.url, { user: "bob" });
    const alice = await join(server.url, { user: "alice" });
    await alice.sendOk({ to: "bob" }, `hello through ${example}`);
    await bob.next(hasText(`hello through ${example}`));
    const http = server.url.replace("ws:", "http:");
    const sent = await fetch(`${http}/messages?user=alice`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ id: newId(), to: "bob", text: `posted to ${example}` }),
    });
    expect(sent.status).toBe(201);
    await bob.next(hasText(`posted to ${example}`));
    const list = await fetch(`${http}/conversations?user=bob`);
    expect(await list.text()).toContain(`posted to ${example}`);
    expect(await server.stop()).toBe(0);
  } finally {
    await server.dispose();
  }
}

describeInstalled("N35 the peers of the package", () => {
  for (const peers of [...lowestPeers, ...(wantsNewest ? newestPeers : [])])
    describe(peers.name, () => {
      let installing: Promise<App> | null = null;
      const installOnce = (): Promise<App> => (installing ??= install(peers));
      afterAll(async () => (await installing?.catch(() => null))?.remove());

      test("N35 install, compile with the package, and carry a message", async () => {
        const app = await installOnce();
        for (const example of ["node", "parsed", "hono-node"]) await carryMessage(app, example);
        // The command line, as the installer links it.
        const said = await run([...app.program, "migrate", "up", "--database", "file:migrated.db"], app.folder);
        expect(said).toMatch(/^(up \d{6}_\w+\n)+$/);
      });

      describeWith("nats-server", "with a NATS server", () => {
        test("N35 connect two nodes", async () => {
          const app = await installOnce();
          const server: NatsServer = await startNats();
          try {
            const command = ["env", `NATS_URL=${server.url}`, ...app.runtime, app.example("nats")];
            expect(await run(command, app.folder)).toStartWith("heard\n");
          } finally {
            await server.stop();
          }
        });
      });
    });

  test("control: N35 npm refuses a version below the range", async () => {
    // That npm takes the lowest version itself, the first of the apps above has shown.
    expect(lowestPeers[0]?.packages).toContain("hono@4.12.25");
    await expect(resolveOnNode(["hono@4.12.24"])).rejects.toThrow(/ERESOLVE[^]*peer hono@"\^4\.12\.25"/);
  });
});
