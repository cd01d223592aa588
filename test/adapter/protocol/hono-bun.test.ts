import { describe } from "bun:test";
import { describeProtocol } from "../../protocol/protocol.contract.ts";
import { startExample } from "../start-example.ts";
import { traitsOf } from "../traits.ts";

describe("G1 tidings/hono on Bun", () =>
  describeProtocol("Hono on Bun", startExample("hono-bun"), traitsOf("hono-bun")));
