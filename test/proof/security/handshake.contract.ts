import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { deflateRawSync } from "node:zlib";
import { connectRaw } from "../../support/client.ts";
import { type RunningServer, startServer } from "../../support/server.ts";
import { type Issuer, issuerEnv, startIssuer } from "./issuer.ts";
import { foreignOrigins, originsLetIn, ownHost, trustedOrigin } from "./origins.ts";
import { knock, startWeakServer } from "./target.ts";
import { deadline } from "../../support/deadline.ts";

/** The opening handshake: what a server accepts, and its reaction to bytes that are no handshake. */
export function describeHandshake(): void {
  describe("the opening handshake", () => {
    let issuer: Issuer;
    let server: RunningServer;
    let weak: RunningServer;
    beforeAll(async () => {
      issuer = await startIssuer();
      const env = { ...issuerEnv(issuer.jwksUrl), ORIGINS: trustedOrigin };
      [server, weak] = await Promise.all([startServer({ env }), startWeakServer({ env })]);
    });
    afterAll(async () => {
      await Promise.all([server.dispose(), weak.dispose(), issuer.stop()]);
    });

    const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });

    test("X1 of forty origins and more only the exact ones open a socket", async () => {
      expect(new Set(foreignOrigins).size).toBeGreaterThanOrEqual(40);
      expect(await originsLetIn(server, issuer.good)).toEqual([]);
      for (const origin of [trustedOrigin, `https://${ownHost}`, null]) {
        const answer = await knock(server, { Host: ownHost, Origin: origin, ...bearer(issuer.good) });
        expect({ origin, status: answer.status }).toEqual({ origin, status: 101 });
      }
    });

    test("control: X1 origins that only begin like a trusted one are seen", async () => {
      const found = await originsLetIn(weak, issuer.good);
      expect(found).toContain("https://app.example.evil.example → 101");
      expect(found).toContain("https://chat.example.evil.example → 101");
    });

    /** The abilities of a foreign page: requests that get another answer than a refusal that it cannot read. */
    async function crossSite(target: RunningServer): Promise<readonly string[]> {
      const allowed: string[] = [];
      const url = `http://127.0.0.1:${target.port}`;
      for (const path of ["/", "/ws", "/messages", "/healthz"])
        for (const method of ["GET", "OPTIONS", "POST", "PUT", "DELETE"]) {
          const headers = { Origin: "https://app.example.evil.example", "Content-Type": "text/plain" };
          const response = await fetch(url + path, { method, headers });
          const isReadable = [...response.headers.keys()].some((name) => name.startsWith("access-control-"));
          if (isReadable || (method !== "GET" && response.status < 400)) allowed.push(`${method} ${path}`);
        }
      return allowed;
    }

    test("X1 a page of another site can neither change anything nor read an answer", async () => {
      expect(await crossSite(server)).toEqual([]);
      const headers = { Origin: "https://evil.example" };
      const response = await fetch(`http://127.0.0.1:${server.port}/messages`, { method: "POST", headers });
      expect(response.status).toBe(403);
    });

    test("control: X1 a server that lets any page read its answers is seen", async () => {
      expect(await crossSite(weak)).toContain("GET /messages");
    });

    /** The tokens that open a socket, and how many different refusals the others got. */
    async function tryTokens(target: RunningServer) {
      const letIn: string[] = [];
      const refusals = new Set<string>();
      for (const [name, token] of issuer.forged) {
        const { status, headers, body } = await knock(target, bearer(token));
        // The server asked the issuer a moment ago, and the key may be newer.
        if (status === 503 && /^an? (unknown kid|kid of SQL)$/.test(name)) continue;
        if (status === 401) refusals.add(`${headers.get("www-authenticate")} ${body}`);
        else letIn.push(`${name} → ${status}`);
      }
      return { letIn, refusals: refusals.size };
    }

    test("X2 no forged, borrowed or stale token opens a socket, and all get the same answer", async () => {
      expect((await knock(server, bearer(issuer.good))).status).toBe(101);
      expect(issuer.forged.length).toBeGreaterThan(30);
      expect(await tryTokens(server)).toEqual({ letIn: [], refusals: 1 });
      expect(issuer.lured()).toEqual([]);
    });

    test("X2 a good token counts in its one place only", async () => {
      const token = issuer.good;
      const refused: Record<string, Readonly<Record<string, string>>> = {
        "another scheme": { Authorization: `Basic ${token}` },
        "no scheme": { Authorization: token },
        "a cookie that is not configured": { Cookie: `session=${token}` },
        "a subprotocol": { "Sec-WebSocket-Protocol": `tidings.v1, bearer.${token}` },
      };
      for (const [where, headers] of Object.entries(refused))
        expect({ where, status: (await knock(server, headers)).status }).toEqual({ where, status: 401 });
      for (const name of ["token", "access_token", "jwt", "ticket", "authorization"])
        expect((await knock(server, {}, `/ws?${name}=${token}`)).status).toBe(401);
    });

    test("control: X2 a server that reads tokens and does not verify them is seen", async () => {
      const { letIn } = await tryTokens(weak);
      expect(letIn).toContain("HS256 with the public key's PEM as secret → 101");
      expect(letIn).toContain("a foreign key under a known kid → 101");
      expect(letIn.length).toBeGreaterThan(20);
    });

    test("X2 a server with a secret takes no other algorithm and no key of the token's own", async () => {
      const secret = "a secret of at least 32 bytes, for tests";
      const own = await startServer({ env: { AUTH: "jwt", JWT_SECRET: secret, JWT_AUDIENCE: "chat" } });
      try {
        const key = new TextEncoder().encode(secret);
        expect((await knock(own, bearer(await issuer.sign({}, { alg: "HS256" }, key)))).status).toBe(101);
        const tokens = [...issuer.forged.map(([, token]) => token), issuer.good];
        tokens.push(
          await issuer.sign({}, { alg: "HS512" }, key),
          await issuer.sign({ aud: "shop" }, { alg: "HS256" }, key),
        );
        for (const token of tokens) expect((await knock(own, bearer(token))).status).toBe(401);
      } finally {
        await own.dispose();
      }
    });

    const offers = ["bearer.CANARY, tidings.v1", "bearer.CANARY", "CANARY,tidings.v1,CANARY2", "tidings.v1 , CANARY"];
    /** The offered subprotocols with an answer that repeats more than the one name. */
    async function offersEchoed(target: RunningServer): Promise<readonly string[]> {
      const echoed: string[] = [];
      for (const offer of offers) {
        const { status, headers } = await knock(target, { ...bearer(issuer.good), "Sec-WebSocket-Protocol": offer });
        const selected = headers.get("sec-websocket-protocol") ?? "";
        const wanted = /\btidings\.v1\b/.test(offer) ? "tidings.v1" : "";
        if (status !== 101 || selected !== wanted || [...headers.values()].join().includes("CANARY"))
          echoed.push(offer);
      }
      return echoed;
    }

    test("P7 A13 a token among the subprotocols is never echoed by the real server", async () => {
      expect(await offersEchoed(server)).toEqual([]);
    });

    test("control: P7 A13 a server that leaves the choice to the runtime is seen", async () => {
      expect(await offersEchoed(weak)).toContain("bearer.CANARY");
    });

    /** A server's reaction to a compressed frame: it negotiates, accepts or closes. */
    async function tryDeflate(target: RunningServer, closesWithinMs: number) {
      const offer = "permessage-deflate; client_no_context_takeover; server_no_context_takeover";
      const headers = { ...bearer(issuer.good), "Sec-WebSocket-Extensions": offer };
      const client = await connectRaw(target.port, "/ws", { headers });
      const payload = deflateRawSync(Buffer.from(JSON.stringify({ type: "ping", id: "inflated" })), { finishFlush: 2 });
      const bytes = payload.subarray(0, payload.length - 4);
      // A final text frame with RSV1, and a mask of zeros.
      client.bytes(Buffer.concat([Buffer.from([0xc1, 0x80 | bytes.length, 0, 0, 0, 0]), bytes]));
      await Promise.race([client.gone, Bun.sleep(closesWithinMs)]);
      const isNegotiated = client.answer.headers.has("sec-websocket-extensions");
      client.end();
      return { isNegotiated, isClosed: client.isGone(), code: client.closed()?.code };
    }

    test("X3 compression is never negotiated, and a compressed frame closes the socket", async () => {
      expect(await tryDeflate(server, deadline.answerMs)).toEqual({ isNegotiated: false, isClosed: true, code: 1_002 });
    });

    test("control: X3 a server that compresses is seen", async () => {
      expect(await tryDeflate(weak, 400)).toMatchObject({ isNegotiated: true, isClosed: false });
    });

    /** The growth of a server's memory by three compressed bodies of 64 MiB, in bytes. */
    async function memoryOfBombs(target: RunningServer): Promise<number> {
      const bomb = Bun.gzipSync(new Uint8Array(64 * 1_048_576));
      const before = target.residentBytes();
      for (const path of ["/", "/messages", "/page.js"]) {
        const url = `http://127.0.0.1:${target.port}${path}`;
        const headers = { "Content-Encoding": "gzip", "Content-Type": "application/json" };
        const response = await fetch(url, { method: "POST", headers, body: bomb });
        expect(response.status).toBeGreaterThanOrEqual(400);
      }
      return target.residentBytes() - before;
    }

    test("X3 a compressed body is left alone: a bomb costs nothing", async () => {
      expect(await memoryOfBombs(server)).toBeLessThan(32 * 1_048_576);
    });

    test("control: X3 a server that inflates bodies is seen", async () => {
      expect(await memoryOfBombs(weak)).toBeGreaterThan(100 * 1_048_576);
    });

    const host = "Host: 127.0.0.1\r\n";
    const oversized: Readonly<Record<string, string>> = {
      "a header of 20 000 bytes": `GET /healthz HTTP/1.1\r\n${host}X: ${"a".repeat(20_000)}\r\n\r\n`,
      "2 000 headers": `GET /healthz HTTP/1.1\r\n${host}${"X: a\r\n".repeat(2_000)}\r\n`,
      "an address of 20 000 bytes": `GET /${"a".repeat(20_000)} HTTP/1.1\r\n${host}\r\n`,
      "two lengths of one body": `POST /x HTTP/1.1\r\n${host}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      "no HTTP": "\u0016\u0003\u0001\u0002\r\n\r\n",
    };
    /** The status that a request of these bytes gets; 0: none. */
    async function statusOf(port: number, text: string): Promise<number> {
      const answer = Promise.withResolvers<string>();
      const socket = await Bun.connect({
        hostname: "127.0.0.1",
        port,
        socket: { data: (_, bytes) => answer.resolve(bytes.toString()), close: () => answer.resolve("") },
      });
      socket.write(text);
      const status = Number((await answer.promise).split(" ")[1] ?? 0);
      socket.end();
      return status;
    }
    async function oversizedTaken(port: number): Promise<readonly string[]> {
      const taken: string[] = [];
      for (const [name, text] of Object.entries(oversized))
        if (![0, 400, 431].includes(await statusOf(port, text))) taken.push(name);
      return taken;
    }

    test("X4 headers and addresses beyond 16 KiB, and ambiguous HTTP, are refused before they are read", async () => {
      expect(await oversizedTaken(server.port)).toEqual([]);
      expect(await statusOf(server.port, `GET /healthz HTTP/1.1\r\n${host}X: ${"a".repeat(12_000)}\r\n\r\n`)).toBe(200);
    });

    test("control: X4 a server that takes any bytes for a request is seen", async () => {
      const careless = Bun.listen({
        hostname: "127.0.0.1",
        port: 0,
        socket: { data: (socket) => void socket.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") },
      });
      expect(await oversizedTaken(careless.port)).toEqual(Object.keys(oversized));
      careless.stop(true);
    });
  });
}
