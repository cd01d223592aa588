import { afterAll } from "bun:test";
import { createRemoteStart } from "../support/remote-server.ts";
import { describeProtocol, type Traits } from "./protocol.contract.ts";

/** All of it with PROTOCOL=all: it takes a minute, half of which the database has no part in. */
const isWhole = process.env["PROTOCOL"] === "all";

/** What a database over the network keeps from the contract: nothing. */
const traits: Traits = {};

const { start, end } = createRemoteStart();
afterAll(end);

describeProtocol("Bun over a libSQL server", start, { ...traits, skipsEdge: !isWhole });
