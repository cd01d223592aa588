/** The conformance kit: it tries clients and servers of any language against PROTOCOL.md. */
export type { Case, Result } from "./case.ts";
export { startCommand } from "./client/program.ts";
export type { Address, Dump, Line, Program, ShownMessage, StartProgram } from "./client/program.ts";
export { clientCases } from "./client/cases.ts";
export { type ClientCase, type ClientWorld, type KitServer, withClientWorld } from "./client/world.ts";
export { countResults, formatReport, reportAsJson } from "./report.ts";
export { runCases, selectCases } from "./run-cases.ts";
export { serverCases } from "./server/cases.ts";
export type { Credentials } from "./server/user.ts";
export { type Identities, type ServerCase, type ServerWorld, withServerWorld } from "./server/world.ts";
