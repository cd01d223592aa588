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

const isWhole = process.env["PROTOCOL"] === "all";

/**
 * The window of 64 bounds small frames on every runtime by the same code: the suite of the standalone server sends 4 000 at once, and
 * these send that many with PROTOCOL=all.
 */
const fewer: Traits = { framesAtOnce: 1_000 };

/**
 * Under a router the chat behind the adapter is the same as without: what is stored and sent on is tried on each runtime once, without a router, and here
 * with PROTOCOL=all, as `bun run prove adapters` does.
 */
const ofRouter: Traits = { skipsCore: true };

/** With what the contract runs on an example. */
export const traitsOf = (name: ExampleName): Traits => ({
  ...(isWhole ? {} : { ...fewer, ...(name.startsWith("hono-") ? ofRouter : {}) }),
  ...traits[name],
});
