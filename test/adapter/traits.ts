import type { Traits } from "../protocol/protocol.contract.ts";
import type { ExampleName } from "./start-example.ts";

/** What each runtime keeps from the contract: docs/mounting.md tells it, and why. */
export const traits: Readonly<Record<ExampleName, Traits>> = {
  bun: {},
  node: {},
  "hono-bun": { hidesPongs: true },
  "hono-node": { ignoresOtherUpgrades: true },
  deno: { hidesPongs: true, resetsOnClose: true },
  "hono-deno": { hidesPongs: true, resetsOnClose: true },
};
