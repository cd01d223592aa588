import { afterAll, beforeAll, expect, test } from "bun:test";
import { type RunningServer, startServer } from "../../support/server.ts";
import { describeHandshake } from "./handshake.contract.ts";
import { describeHostileClients } from "./hostile-clients.contract.ts";
import { describeSecrets } from "./secrets.contract.ts";
import { attackServer } from "./proof.ts";
import { openSlowSockets, type SlowSocket, slowSocketMsMax, stillOpen } from "./slow-socket.ts";
import { startWeakServer } from "./target.ts";

let servers: readonly RunningServer[] = [];
let slow: readonly SlowSocket[] = [];
let slowOnWeak: readonly SlowSocket[] = [];
let since = 0;

// Slow sockets take twelve seconds: the rest of this file runs meanwhile.
beforeAll(async () => {
  const [server, weak] = await Promise.all([startServer(), startWeakServer()]);
  servers = [server, weak];
  slow = openSlowSockets(server);
  slowOnWeak = openSlowSockets(weak);
  since = performance.now();
});
afterAll(async () => {
  for (const server of servers) await server.dispose();
});

describeHandshake();
describeHostileClients();
describeSecrets();

test("R1 P24 X1 X2 X6 X7 X8 forty seeded attacks break nothing", async () => {
  expect(await attackServer(startServer, { from: 1, count: 40 })).toEqual({ tried: 40, violations: [] });
});

test("control: R1 P24 X1 X2 X6 X7 X8 the same attacks break a server without its defences, each kind of them", async () => {
  const { violations } = await attackServer(startWeakServer, { from: 1, count: 30 });
  for (const kind of ["(origin)", "(token)", "(frame)", "(text)", "the log has"])
    expect(violations.join("\n")).toContain(kind);
});

test("X10 a connection that does not finish its request in time is closed, however slowly it drips", async () => {
  expect(slow.length).toBeGreaterThanOrEqual(8);
  expect(await stillOpen(slow, since + slowSocketMsMax)).toEqual([]);
});

test("control: X10 a server that waits for ever is seen", async () => {
  // By now the real server has closed everything.
  expect(await stillOpen(slowOnWeak, performance.now() + 200)).toContain("drips the body");
});
