import type { Proof } from "../proof.ts";
import { type RunningServer, startServer } from "../../support/server.ts";
import { attack } from "./attack.ts";
import { issuerEnv, startIssuer } from "./issuer.ts";
import { linesThatAreNoEvent } from "./log-lines.ts";
import { trustedOrigin } from "./origins.ts";
import { loginMs, loginTimesMax, openCrowd, openSlowSockets, slowSocketMsMax, stillOpen } from "./slow-socket.ts";

/** This many attacks meet one server; then it is judged, and a new one is started. */
const attacksPerServer = 500;
const residentBytesMax = 512 * 1_048_576;
const crowdSockets = 5_000;

export type AttackOptions = { readonly from: number; readonly count: number; readonly isOver?: () => boolean };

/** Attacks number `from`, `from + 1`, … on one server that `start` starts; returns what they broke. */
export async function attackServer(start: typeof startServer, { from, count, isOver = () => false }: AttackOptions) {
  const issuer = await startIssuer();
  const server = await start({
    env: { ...issuerEnv(issuer.jwksUrl), ORIGINS: trustedOrigin, LOG_LEVEL: "trace" },
  });
  const violations: string[] = [];
  let tried = 0;
  try {
    for (; tried < count && !isOver(); tried++) {
      const broken = await attack({ server, issuer }, from + tried);
      if (broken !== null) violations.push(broken);
    }
    const where = `attacks ${from} to ${from + tried - 1}`;
    if (server.residentBytes() > residentBytesMax)
      violations.push(`${where}: memory is ${server.residentBytes()} bytes`);
    const lines = linesThatAreNoEvent(server.output());
    if (lines.length > 0) violations.push(`${where}: the log has ${JSON.stringify(lines[0])}`);
    if (issuer.lured().length > 0) violations.push(`${where}: the server asked for ${issuer.lured().join()}`);
    if ((await server.stop()) !== 0) violations.push(`${where}: the server did not end with 0`);
  } finally {
    await server.dispose();
    await issuer.stop();
  }
  return { tried, violations };
}

/** Thousands of sockets that never finish a request: other users get in at once, and all sockets are closed in time. */
async function crowd(): Promise<readonly string[]> {
  const server: RunningServer = await startServer();
  try {
    const slow = openSlowSockets(server);
    const end = performance.now() + slowSocketMsMax;
    const before = await loginMs(server, 200);
    const held = await openCrowd(server, crowdSockets);
    const ms = await loginMs(server, 200);
    const open = await stillOpen(slow, end);
    held.end();
    return [
      ...(ms > loginTimesMax * before
        ? [`crowd: a login took ${ms.toFixed()} ms, and ${before.toFixed()} before`]
        : []),
      ...open.map((name) => `crowd: a socket that ${name} was not closed`),
    ];
  } finally {
    await server.dispose();
  }
}

export const proof: Proof = {
  name: "security",
  unit: "attacks",
  rules: ["R1", "P24", "X1", "X2", "X6", "X7", "X8", "X10"],
  weight: 1,
  async run({ from, count, isOver, say }) {
    const violations: string[] = [...(await crowd())];
    let tried = 0;
    while (tried < count && !isOver()) {
      const batch = Math.min(attacksPerServer, count - tried);
      const result = await attackServer(startServer, { from: from + tried, count: batch, isOver });
      tried += result.tried;
      violations.push(...result.violations);
      say(`${tried} attacks, ${violations.length} violations`);
    }
    return { tried, next: from + tried, violations, facts: { crowds: 1, sockets: crowdSockets } };
  },
};
