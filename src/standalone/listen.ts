import { ChatError } from "../error.ts";
import type { Listen, ListenOptions } from "./listener.ts";

/** Listens with the server of this runtime: Bun's own, or that of Node. */
export const listen: Listen = async (chat, options) => {
  if ("Bun" in globalThis) {
    const { listenOnBun } = await import("./listen-bun.ts");
    return await listenOnBun(chat, options).catch((error: unknown) => refuse(error, options));
  }
  const { listenOnNode } = await import("./listen-node.ts").catch(explain);
  return await listenOnNode(chat, options).catch((error: unknown) => refuse(error, options));
};

const reasons: Readonly<Record<string, string>> = {
  EADDRINUSE: "is in use: stop what listens there, or set PORT to another one",
  EACCES: "may not be used by this account: set PORT to one above 1023",
  EADDRNOTAVAIL: "cannot be had: HOST is no address of this machine",
  ENOTFOUND: "cannot be had: HOST is no name that is known",
};

/** A fault of the address becomes one line for the user; other errors are faults of the program and keep their stack. */
function refuse(cause: unknown, { port, hostname }: ListenOptions): never {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  const reason = reasons[code];
  if (reason === undefined) throw cause;
  throw new ChatError("config_invalid", `Port ${port} of ${hostname} ${reason} (${code})`, { cause });
}

/** The packages that only Node's adapter needs are optional peers: Bun does not need them. */
function explain(cause: unknown): never {
  const [, name] = /^Cannot find package '([^']+)'/.exec(cause instanceof Error ? cause.message : "") ?? [];
  if (name === undefined) throw cause;
  throw new ChatError(
    "config_invalid",
    `To serve on Node, install @hono/node-server and ws beside tidings ("npm install @hono/node-server ws"); ${name} is missing`,
    { cause },
  );
}
