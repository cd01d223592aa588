import { ChatError } from "../error.ts";
import type { Transport } from "../bus/transport.ts";
import { named } from "./config-variable.ts";

/**
 * The bus at the address in the environment, over which nodes on the same database exchange events.
 *
 * @throws ChatError `config_invalid`: the address is malformed, or the client of NATS is not installed.
 */
export async function openBus(servers: string): Promise<Transport> {
  const { nats } = await import("../bus/nats/nats.ts").catch(explain);
  return named("CLUSTER_URL", () => nats({ servers }));
}

/** The client of NATS is an optional peer of the package: a single node does not need it. */
function explain(cause: unknown): never {
  const text = cause instanceof Error ? cause.message : "";
  if (!/@nats-io/.test(text)) throw cause;
  throw new ChatError(
    "config_invalid",
    'CLUSTER_URL: install @nats-io/transport-node beside tidings ("npm install @nats-io/transport-node")',
    { cause },
  );
}
