/** Shared by all examples: the chat itself, its port, and its shutdown. */
import { createChat, demo, jwt } from "tidings";

const { PORT, HEARTBEAT_MS, JWT_SECRET } = process.env;

export const port = Number(PORT ?? "6662");

export const chat = createChat({
  database: { url: "file:tidings.db" },
  // The demo believes any user name, on this machine alone: put your own authentication here.
  authenticate: JWT_SECRET === undefined ? demo() : jwt({ secret: JWT_SECRET }),
  limits: HEARTBEAT_MS === undefined ? {} : { heartbeatMs: Number(HEARTBEAT_MS) },
});

/** Call it once the server listens: prints the port, and shuts down on a signal. Accepted messages are on disk either way. */
export function serving(at: number): void {
  for (const signal of ["SIGTERM", "SIGINT"] as const)
    process.on(signal, () => void chat.close().then(() => process.exit(0)));
  console.log(JSON.stringify({ message: "serving", port: at }));
}
