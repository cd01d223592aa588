import type { Transport } from "../transport.ts";
import { type NatsOptions, natsConfig } from "./nats-config.ts";
import { createNatsTransport } from "./nats-transport.ts";

export type { NatsOptions } from "./nats-config.ts";

/**
 * Connects the nodes on one database through a NATS server, or a cluster of them. Needs `@nats-io/transport-node` beside tidings.
 *
 * It connects in the background, and again for as long as it is open, whatever happens to the servers; while it cannot, nodes
 * find the news of others by themselves, a little later.
 *
 * @throws ChatError `config_invalid` where an option is wrong. Nothing throws later.
 *
 * @example
 * nats({ servers: "nats://127.0.0.1:4222" })
 * nats({ servers: ["tls://a.example", "tls://b.example"], user: "chat", pass: process.env.NATS_PASSWORD })
 */
export const nats = (options: NatsOptions): Transport => createNatsTransport(natsConfig(options));
