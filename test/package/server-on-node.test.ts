import { afterAll, beforeAll, expect, test } from "bun:test";
import { attackServer } from "../proof/security/proof.ts";
import { openSlowSockets, type SlowSocket, slowSocketMsMax, stillOpen } from "../proof/security/slow-socket.ts";
import { describeWith } from "../support/prerequisite.ts";
import type { RunningServer } from "../support/server.ts";
import { removeBuiltPackage, startBuiltOnNode } from "./built.ts";

afterAll(removeBuiltPackage);

describeWith("npm", "the standalone server on Node", () => {
  let server: RunningServer;
  let slow: readonly SlowSocket[] = [];
  let since = 0;
  // Slow sockets take twelve seconds: the attacks happen meanwhile.
  beforeAll(async () => {
    server = await startBuiltOnNode();
    slow = openSlowSockets(server);
    since = performance.now();
  });
  afterAll(() => server.dispose());

  test("N4 R1 P24 X1 X2 X6 X7 X8 fifty seeded attacks break nothing", async () => {
    expect(await attackServer(startBuiltOnNode, { from: 1, count: 50 })).toEqual({ tried: 50, violations: [] });
  });

  test("N4 X10 a connection without a complete request in time is closed, even if it drips", async () => {
    expect(slow.length).toBeGreaterThanOrEqual(8);
    expect(await stillOpen(slow, since + slowSocketMsMax)).toEqual([]);
  });

  test("N4 an address in use ends the server, with a message", async () => {
    await expect(startBuiltOnNode({ port: server.port })).rejects.toThrow("EADDRINUSE");
  });
});
