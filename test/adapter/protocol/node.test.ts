import { describeProtocol } from "../../protocol/protocol.contract.ts";
import { describeWith } from "../../support/prerequisite.ts";
import { startExample } from "../start-example.ts";
import { traitsOf } from "../traits.ts";

describeWith("node", "G1 tidings/node", () => describeProtocol("Node", startExample("node"), traitsOf("node")));
