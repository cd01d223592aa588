import { describe } from "bun:test";
import { describeProtocol } from "../../protocol/protocol.contract.ts";
import { startExample } from "../start-example.ts";
import { traitsOf } from "../traits.ts";

describe("G1 tidings/deno", () => describeProtocol("Deno", startExample("deno"), traitsOf("deno")));
