import { join } from "node:path";
import { type Answer, connectRaw } from "../../support/client.ts";
import { type RunningServer, startServer, type StartOptions } from "../../support/server.ts";

/** The same server without its defences: probes that find nothing on the real one must find something here. */
export const startWeakServer = (options: StartOptions = {}): Promise<RunningServer> =>
  startServer({ ...options, script: join(import.meta.dir, "weak-server.ts") });

/** Asks for an upgrade, returns the answer, and leaves. A connection closed without an answer has status 0. */
export async function knock(
  server: RunningServer,
  headers: Readonly<Record<string, string | null>>,
  path = "/ws",
): Promise<Answer> {
  try {
    const client = await connectRaw(server.port, path, { headers });
    client.end();
    return client.answer;
  } catch {
    return { status: 0, headers: new Map(), body: "" };
  }
}
