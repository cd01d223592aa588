import { ChatError } from "../error.ts";
import type { Listen } from "./listener.ts";

/** Listens by the means of the runtime that this is: Bun's own server, or that of Node. */
export const listen: Listen = async (chat, options) => {
  if ("Bun" in globalThis) {
    const { listenOnBun } = await import("./listen-bun.ts");
    return await listenOnBun(chat, options);
  }
  const { listenOnNode } = await import("./listen-node.ts").catch(explain);
  return await listenOnNode(chat, options);
};

/** What only Node's adapter needs is an optional peer of the package: who serves on Bun does without. */
function explain(cause: unknown): never {
  const [, name] = /^Cannot find package '([^']+)'/.exec(cause instanceof Error ? cause.message : "") ?? [];
  if (name === undefined) throw cause;
  throw new ChatError(
    "config_invalid",
    `To serve on Node, install @hono/node-server and ws beside tidings ("npm install @hono/node-server ws"); ${name} is missing`,
    { cause },
  );
}
