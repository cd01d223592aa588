import { describe } from "bun:test";
import { describeProtocol } from "../../protocol/protocol.contract.ts";
import { startExample } from "../start-example.ts";
import { traits } from "../traits.ts";

describe("G1 tidings/hono on Deno", () =>
  describeProtocol("Hono on Deno", startExample("hono-deno"), traits["hono-deno"]));
