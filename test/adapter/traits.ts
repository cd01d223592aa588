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

/**
 * The window of 64 bounds small frames on every runtime by the same code: the suite of the standalone server sends 4 000 at once, and
 * these send that many with PROTOCOL=all.
 */
const fewer: Traits = process.env["PROTOCOL"] === "all" ? {} : { framesAtOnce: 1_000 };

/** With what the contract runs on an example. */
export const traitsOf = (name: ExampleName): Traits => ({ ...fewer, ...traits[name] });
