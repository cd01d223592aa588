import type { Traits } from "../protocol/protocol.contract.ts";
import type { ExampleName } from "./start-example.ts";

/** The differences of each runtime from the contract, with reasons in docs/mounting.md. */
export const traits: Readonly<Record<ExampleName, Traits>> = {
  bun: {},
  node: {},
  "hono-bun": { hidesPongs: true },
  "hono-node": { ignoresOtherUpgrades: true },
  deno: { hidesPongs: true, resetsOnClose: true },
  "hono-deno": { hidesPongs: true, resetsOnClose: true },
};
