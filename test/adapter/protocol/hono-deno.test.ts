import { describe } from "bun:test";
import { describeProtocol } from "../../protocol/protocol.contract.ts";
import { startExample } from "../start-example.ts";
import { traitsOf } from "../traits.ts";

describe("G1 tidings/hono on Deno", () =>
  describeProtocol("Hono on Deno", startExample("hono-deno"), traitsOf("hono-deno")));
