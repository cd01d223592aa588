import type { Plants } from "./plant.ts";

export const hub = {
  "a user's presence on other nodes is remembered for ever": {
    rule: "H16",
    file: "hub/idle-elsewhere.ts",
    from: " || now - known.askedAt >= answerHoldsMs",
    to: "",
  },
  "a wake-up lost between replay and live": {
    rule: "O7 O10",
    file: "hub/fan-out.ts",
    from: "        here.lastN = change.n;\n",
    to: "",
  },
  "a revocation is sent to clients": {
    rule: "T5",
    file: "log/log-kinds.ts",
    from: "...{ message, receipt, relation, setting, group, membership },\n};\n\n/** Every kind",
    to: "...{ revocation: { ...revocation, encode: ({ n: _, ...change }) => change }, message, receipt, relation, setting, group, membership },\n};\n\n/** Every kind",
  },
  "live changes go to every device, whatever its level": {
    rule: "P51",
    file: "hub/fan-out.ts",
    from: " || connection.level < level ? null",
    to: " ? null",
  },
  "changes go to the user of another tenant": {
    rule: "T1",
    file: "hub/fan-out.ts",
    from: "registry.find(tenant, user)",
    to: 'registry.find("acme", user)',
  },
  "an ack of another history": {
    rule: "O8",
    file: "hub/frame/ack.ts",
    from: "if (cursor === null) return undefined;",
    to: "if (cursor === null) return store.ack(connection.session, connection.device, connection.outgoing.position());",
  },
  "an ack reaches beyond what was sent": {
    rule: "P30",
    file: "hub/frame/ack.ts",
    from: "Math.min(cursor.n, connection.outgoing.position())",
    to: "cursor.n",
  },
  "a connection that is remembered for ever": {
    rule: "H11",
    file: "hub/sockets.ts",
    from: "if (registry.leave(session, connection)) {\n      feed.release(session);\n      people",
    to: "if (all.size < 0) {\n      people",
  },
  "a revocation of sockets that are open, and not of those that open": {
    rule: "T5 O10",
    file: "hub/sockets.ts",
    from: "of registry.everyOf({ tenant, user }))",
    to: "of [...(registry.find(tenant, user)?.connections ?? [])])",
  },
  "a socket whose upgrade began before a revocation stays": {
    rule: "T7",
    file: "hub/sockets.ts",
    from: "if (reason !== null) return",
    to: 'if (reason === "") return',
  },
  "the sockets of an ended session stay open": {
    rule: "T5",
    file: "hub/hub.ts",
    from: "const consequences = { revoke: sockets.revoke };",
    to: "const consequences = {};",
  },
  "connections are held for ever": {
    rule: "R10",
    file: "hub/sockets.ts",
    from: "all.add(connection);",
    to: "all.add(connection); ((globalThis as { held?: unknown[] }).held ??= []).push(connection);",
  },
  "memory leaks without an object": {
    rule: "R10",
    file: "hub/sockets.ts",
    from: "all.add(connection);",
    to: `all.add(connection);
      const leak = ((globalThis as { leak?: ArrayBuffer }).leak ??= new ArrayBuffer(0, { maxByteLength: 2 ** 30 }));
      leak.resize(leak.byteLength + 2 ** 18);
      new Uint8Array(leak, leak.byteLength - 2 ** 18).fill(1);`,
  },
  "volatile frames go to the user of another tenant": {
    rule: "T1",
    file: "hub/people.ts",
    from: "for (const connection of connectionsOf(identity))",
    to: 'for (const connection of connectionsOf({ ...identity, tenant: "acme" }))',
  },
  "a revocation forgets the sockets that are not open yet": {
    rule: "R20",
    file: "hub/registry.ts",
    from: ", ...(opening.get(key) ?? [])];",
    to: "];",
  },
  "a counter of users is never removed": {
    rule: "H11",
    file: "access/capacity.ts",
    from: "else counts.delete(name);",
    to: "else counts.set(name, 0);",
  },
  "all connections are handled in one turn": {
    rule: "R20",
    file: "hub/in-turns.ts",
    from: "connectionsAtOnce = 500",
    to: "connectionsAtOnce = 1_000_000",
  },
} satisfies Plants;
