import { describe } from "bun:test";
import { describeProtocol } from "../../protocol/protocol.contract.ts";
import { startExample } from "../start-example.ts";
import { traits } from "../traits.ts";

describe("G1 tidings/deno", () => describeProtocol("Deno", startExample("deno"), traits["deno"]));
