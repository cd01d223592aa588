/** The client SDK of Tidings: durable chat in browsers, Bun, Node (22 or later), Deno and React Native, without any dependency. */
export { createClient } from "./client.ts";
export { indexedDb } from "./vault/indexed-db.ts";
export { memory } from "./vault/memory.ts";
export { ClientError } from "./api.ts";
export { VaultError } from "./vault/contract.ts";
export type * from "./api.ts";
export type { Readable } from "./readable.ts";
export type { Storage, Vault, Scope } from "./vault/contract.ts";
export type { Marks, MessageRow, Refusal, RelationRow, Target } from "./vault/rows.ts";
export type { Environment } from "./environment.ts";
