import { ChatError } from "../error.ts";
import type { Transport } from "../bus/transport.ts";

/**
 * The bus that the environment names: how this node and others on the same database speak to each other.
 *
 * @throws ChatError `config_invalid`: an address that is none, or the package that speaks to NATS is missing.
 */
export async function openBus(servers: string): Promise<Transport> {
  const { nats } = await import("../bus/nats/nats.ts").catch(explain);
  try {
    return nats({ servers });
  } catch (error) {
    if (!(error instanceof ChatError)) throw error;
    throw new ChatError("config_invalid", `CLUSTER_URL: ${error.message}`, { cause: error });
  }
}

/** What speaks to NATS is an optional peer of the package: one node does without. */
function explain(cause: unknown): never {
  const text = cause instanceof Error ? cause.message : "";
  if (!/@nats-io/.test(text)) throw cause;
  throw new ChatError(
    "config_invalid",
    'CLUSTER_URL: install @nats-io/transport-node beside tidings ("npm install @nats-io/transport-node")',
    { cause },
  );
}
