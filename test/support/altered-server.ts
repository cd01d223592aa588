/**
 * The standalone server with texts of its source replaced, for negative controls and for limits of another size.
 * ALTERATIONS has them as JSON. With INSPECT=1 it answers on a second loopback port what it holds in memory.
 */
import { readFileSync } from "node:fs";
import { heapStats } from "bun:jsc";
import { plugin } from "bun";
import type { Alteration, Holdings } from "./alteration.ts";

const alterations = JSON.parse(process.env["ALTERATIONS"] ?? "[]") as Alteration[];
const source = new URL("../../src/", import.meta.url).pathname;

type Sized = { sizes(): Readonly<Record<string, number>> | null };

/** Called by the altered source of the server, once it serves. */
function inspect(chat: Sized): void {
  const holdings = (): Holdings => {
    // Twice: what finalizers let go of is found by the second.
    Bun.gc(true);
    Bun.gc(true);
    const { heapSize, objectCount, objectTypeCounts } = heapStats();
    return { sizes: chat.sizes() ?? {}, heapSize, objectCount, objectTypeCounts };
  };
  const { port } = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => Response.json(holdings()) });
  process.stderr.write(`${JSON.stringify({ message: "inspecting", port })}\n`);
}

const inspecting: Alteration = {
  file: "server.ts",
  from: "const site = await siteOf(chat, config);",
  to: "const site = await siteOf(chat, config); globalThis.inspectChat(chat);",
};

Object.assign(globalThis, { inspectChat: inspect });

plugin({
  name: "altered source",
  setup(build) {
    const all = process.env["INSPECT"] === "1" ? [...alterations, inspecting] : alterations;
    for (const file of new Set(all.map((one) => one.file))) {
      const pattern = `${source}${file}`.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
      build.onLoad({ filter: new RegExp(`^${pattern}$`) }, ({ path }) => {
        let contents = readFileSync(path, "utf8");
        for (const { from, to } of all.filter((one) => one.file === file)) {
          // A plant that no longer takes root would make a control of nothing.
          if (!contents.includes(from)) throw new Error(`${file} does not hold ${JSON.stringify(from)}`);
          contents = contents.replace(from, () => to);
        }
        return { contents, loader: "ts" };
      });
    }
  },
});

await import("../../src/server.ts");
