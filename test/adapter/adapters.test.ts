import { describe } from "bun:test";
import { describeProtocol } from "../protocol/protocol.contract.ts";
import { describeWith } from "../support/prerequisite.ts";
import { startExample } from "./start-example.ts";
import { traits } from "./traits.ts";

const run = (name: keyof typeof traits, title: string): void =>
  describeProtocol(title, startExample(name), traits[name]);

describeWith("node", "G1 tidings/node", () => run("node", "Node"));
describeWith("node", "G1 tidings/hono on Node", () => run("hono-node", "Hono on Node"));
describe("G1 tidings/hono on Bun", () => run("hono-bun", "Hono on Bun"));
describe("G1 tidings/deno", () => run("deno", "Deno"));
describe("G1 tidings/hono on Deno", () => run("hono-deno", "Hono on Deno"));
