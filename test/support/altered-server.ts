/**
 * The standalone server with texts of its source replaced, for negative controls and for limits of another size.
 * ALTERATIONS has them as JSON. With INSPECT=1 it serves the sizes of its memory on a second loopback port.
 */
import { heapStats } from "bun:jsc";
import { plant } from "../plants/index.ts";
import { type Alteration, alterSource } from "./alter-source.ts";
import type { Holdings } from "./alteration.ts";

const alterations = JSON.parse(process.env["ALTERATIONS"] ?? "[]") as Alteration[];
type Sized = { sizes(): Readonly<Record<string, number>> | null };

/** Called by the altered source of the server, once it serves. */
function inspect(chat: Sized): void {
  const holdings = (): Holdings => {
    // Twice: the second collection finds what finalizers have released.
    Bun.gc(true);
    Bun.gc(true);
    const { heapSize, objectCount, objectTypeCounts } = heapStats();
    return { sizes: chat.sizes() ?? {}, heapSize, objectCount, objectTypeCounts };
  };
  const { port } = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => Response.json(holdings()) });
  process.stderr.write(`${JSON.stringify({ message: "inspecting", port })}\n`);
}

Object.assign(globalThis, { inspectChat: inspect });

alterSource([...alterations, ...(process.env["INSPECT"] === "1" ? plant("a server that can be inspected") : [])]);

await import("../../src/server.ts");
