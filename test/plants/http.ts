import type { Plants } from "./plant.ts";

export const http = {
  "a ticket outlives its session": {
    rule: "T6",
    file: "access/admit.ts",
    from: "session === null || (session.expiresAt ?? Infinity) <= options.now()",
    to: "session === null",
  },
  "any value but false makes a user the host": {
    rule: "A8",
    file: "access/prove.ts",
    from: "isHost: proof.isHost === true }",
    to: "isHost: Boolean(proof.isHost) }",
  },
  "the runtime selects a subprotocol by itself": {
    rule: "P7 A13",
    file: "access/admit.ts",
    from: 'isOffered ? subprotocol : "" }',
    to: "offered.split(/, */)[0] }",
  },
  "the tenant of a proof is not looked at": {
    rule: "T1",
    file: "access/prove.ts",
    from: 'proof.tenant === undefined ? "default" : proof.tenant',
    to: '"default"',
  },
  "tokens are read, not verified": {
    rule: "X2",
    file: "access/jwt.ts",
    from: "const verify = (token: string) => jwtVerify(token, keyOf, rules(publicAlgorithms));",
    to: `const read = (token) => JSON.parse(atob((token.split(".")[1] ?? "").replaceAll("-", "+").replaceAll("_", "/")));
    const verify = async (token) => ({ payload: read(token), protectedHeader: {} });`,
  },
  "a token for any audience is taken": {
    rule: "X2",
    file: "access/jwt.ts",
    from: 'if (aud !== undefined && audience === undefined) return refused("aud", "none, for no audience is configured");',
    to: "",
  },
  "origins are compared by how they begin": {
    rule: "X1",
    file: "access/origin.ts",
    from: "options.allowed.includes(origin)) return true;",
    to: 'options.allowed.some((one) => origin.startsWith(one)) || origin.includes(options.host ?? "?")) return true;',
  },
  "the header of proxies is read from the left": {
    rule: "A32",
    file: "access/peer.ts",
    from: "forwarded.pop()",
    to: "forwarded.shift()",
  },
  "any page may read any answer": {
    rule: "X1",
    file: "protocol/problem.ts",
    from: '"Cache-Control": "no-store",',
    to: '"Cache-Control": "no-store", "Access-Control-Allow-Origin": "*",',
  },
  "the address of a device is logged": {
    rule: "X5",
    file: "http/route/devices.ts",
    from: "const { token, expiresAt } = found;",
    to: 'const { token, expiresAt } = found;\n  console.log("device " + token);',
  },
  "an answer of changes that leaves out some of them": {
    rule: "Q80",
    file: "http/route/get-changes.ts",
    from: '"cursor":${JSON.stringify(got.cursor)},"frames":[${got.frames.join(",")}]',
    to: '"cursor":${JSON.stringify(got.cursor)},"frames":[${got.frames.slice(0, 2).join(",")}]',
  },
  "an ack over HTTP of all that there is": {
    rule: "Q7 Q2",
    file: "http/route/marks.ts",
    from: "Math.min(at.n, head.n)",
    to: "head.n",
  },
  "an ack is answered before it is on disk": {
    rule: "Q7",
    file: "http/route/marks.ts",
    from: 'await confirm("ack", (settle) => ack(session, device, { ...at, n }, settle));',
    to: "ack(session, device, { ...at, n });",
  },
  "the ack of a list moves the log": {
    rule: "S45",
    file: "http/route/marks.ts",
    from: "at.isList ? store.ackList : store.ack",
    to: "store.ack",
  },
  "push settings are read from another tenant": {
    rule: "T1",
    file: "http/route/push.ts",
    from: "{ tenant: session.tenant, user, id: message }",
    to: '{ tenant: "acme", user, id: message }',
  },
  "a ticket leads to a tenant of any name": {
    rule: "T6",
    file: "access/ticket.ts",
    from: " || !isIdentifier(tenant)",
    to: " || !tenant",
  },
} satisfies Plants;
