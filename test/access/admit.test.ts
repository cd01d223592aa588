import { describe, expect, test } from "bun:test";
import { connect } from "node:net";
import { resetSync } from "@logtape/logtape";
import { ChatError } from "../../src/error.ts";
import { configureLog } from "../../src/standalone/log.ts";
import type { Admission } from "../../src/access/admission.ts";
import { createAdmit, type AdmitOptions } from "../../src/access/admit.ts";
import { createProve } from "../../src/access/prove.ts";
import type { Proof } from "../../src/access/authenticate.ts";
import { readTenantTicket, tenantTicket } from "../../src/access/ticket.ts";
import { demo } from "../../src/access/demo.ts";
import { levelMax } from "../../src/log/log-kinds.ts";

const base: AdmitOptions = {
  authenticate: () => ({ user: "alice" }),
  origins: ["https://app.example"],
  now: () => 1_000,
};

function upgrade(query = "", headers: Record<string, string> = {}): Request {
  return new Request(`http://chat.example/ws${query}`, {
    headers: { host: "chat.example", upgrade: "websocket", ...headers },
  });
}

const admit = (options: Partial<AdmitOptions> = {}, request = upgrade()) =>
  createAdmit({ ...base, ...options })(request);

async function expectAdmission(answer: Promise<Admission | Response>): Promise<Admission> {
  const admission = await answer;
  if (admission instanceof Response) throw new Error(`Refused: ${await admission.text()}`);
  return admission;
}

async function expectProblem(answer: Promise<unknown>, status: number, code: string): Promise<string> {
  const response = await answer;
  if (!(response instanceof Response)) throw new Error("Admitted");
  expect(response.status).toBe(status);
  expect(response.headers.get("content-type")).toBe("application/problem+json");
  const text = await response.text();
  expect(JSON.parse(text)).toMatchObject({ code, status });
  return text;
}

test("A7 a plain upgrade is admitted as the default device", async () => {
  expect(await expectAdmission(admit())).toEqual({
    session: { tenant: "default", user: "alice" },
    device: "default",
    url: "http://chat.example/ws",
    headers: {},
  });
});

test("P50 a level is a whole number from 1; one that this release does not know counts as the highest that it does", async () => {
  expect(await expectAdmission(admit({}, upgrade("?level=1")))).toMatchObject({ level: 1 });
  expect(await expectAdmission(admit({}, upgrade("?level=999999999")))).toMatchObject({ level: levelMax });
  expect(await expectAdmission(admit({}, upgrade()))).not.toHaveProperty("level");
  for (const query of ["0", "", "-1", "1.5", "01", "+1", "1e3", "x", "1&level=1", "9999999999", "%ff"]) {
    const refusal = await admit({}, upgrade(`?level=${query}`));
    if (!(refusal instanceof Response)) throw new Error(`level=${query} was admitted`);
    expect([query, refusal.status]).toEqual([query, 400]);
    expect(await refusal.text()).toContain("level");
  }
});

test("A7 device and cursor are handed on as they came", async () => {
  const admission = await expectAdmission(admit({}, upgrade("?device=d%401&cursor=abcdefgh.1z")));
  expect(admission).toMatchObject({ device: "d@1", cursor: "abcdefgh.1z" });
});

test("A8 the session carries tenant and expiry of the proof", async () => {
  const authenticate = async () => ({ user: "alice", tenant: "acme", expiresAt: 1_001, admin: true });
  const { session } = await expectAdmission(admit({ authenticate }));
  expect(session).toEqual({ tenant: "acme", user: "alice", expiresAt: 1_001 });
});

test("A8 who the host says is the host is: nothing but true says so", async () => {
  for (const isHost of [true, "true", 1, {}, false, undefined]) {
    const authenticate = () => ({ user: "alice", isHost }) as Proof;
    const { session } = await expectAdmission(admit({ authenticate }));
    expect([isHost, session.isHost ?? false]).toEqual([isHost, isHost === true]);
  }
});

test("T6 a ticket of a session that has ended meanwhile is none", async () => {
  const useTicket = async () => ({ tenant: "default", user: "alice", expiresAt: 1_000 });
  await expectProblem(admit({ useTicket }, upgrade("?ticket=t")), 401, "unauthenticated");
  const later = async () => ({ tenant: "default", user: "alice", expiresAt: 1_001 });
  await expectAdmission(admit({ useTicket: later }, upgrade("?ticket=t")));
});

test("T6 K11 a ticket leads to a tenant only where it is one, and looks like a ticket", async () => {
  const secret = "A".repeat(43);
  expect(await readTenantTicket(tenantTicket(secret, "acme"))).toMatchObject({ tenant: "acme" });
  const wrong = ["", secret, `${secret}.`, `${secret}-acme`, `${secret}.../../x`, `${secret}.a b`, `${secret}.a\0`];
  for (const ticket of [...wrong, `${secret.slice(1)}.acme`, `${secret.slice(1)}/.acme`])
    expect([ticket, await readTenantTicket(ticket)]).toEqual([ticket, null]);
});

describe("not an upgrade", () => {
  for (const [name, request] of [
    ["without Upgrade", new Request("http://chat.example/ws")],
    ["of another protocol", upgrade("", { upgrade: "h2c" })],
    ["of a longer name", upgrade("", { upgrade: "websockets" })],
    ["by POST", new Request("http://chat.example/ws", { method: "POST", headers: { upgrade: "websocket" } })],
  ] as const) {
    test(`A1 a request ${name} is answered 426`, async () => {
      const answer = await createAdmit(base)(request);
      expect(answer).toBeInstanceOf(Response);
      expect((answer as Response).headers.get("upgrade")).toBe("websocket");
      await expectProblem(Promise.resolve(answer), 426, "upgrade_required");
    });
  }

  test("A1 the name of the protocol is case-insensitive", async () => {
    await expectAdmission(admit({}, upgrade("", { upgrade: "WebSocket" })));
  });
});

describe("host and origin", () => {
  test("A2 the demo answers a foreign Host with 403", async () => {
    await expectProblem(admit({ authenticate: demo() }, upgrade("?user=alice")), 403, "forbidden");
    await expectAdmission(admit({ authenticate: demo({ anywhere: true }) }, upgrade("?user=alice")));
    const { session } = await expectAdmission(
      admit({ authenticate: demo() }, upgrade("?user=alice", { host: "localhost:6662" })),
    );
    expect(session).toEqual({ tenant: "default", user: "alice" });
  });

  test("A2 a host check of one's own counts", async () => {
    const alice = () => ({ user: "alice" });
    await expectProblem(
      admit({ authenticate: Object.assign(alice, { isHostAllowed: () => false }) }),
      403,
      "forbidden",
    );
    await expectAdmission(admit({ authenticate: Object.assign(alice, { isHostAllowed: () => true }) }));
  });

  test("A2 a page of a name that resolves to loopback reads nothing", async () => {
    const rebound = upgrade("?user=alice", { host: "evil.example:6662", origin: "http://evil.example:6662" });
    await expectProblem(admit({ authenticate: demo() }, rebound), 403, "forbidden");
  });

  test("A3 an Origin of another site is refused with 403", async () => {
    for (const origin of [
      "https://evil.example",
      "null",
      "",
      "https://chat.example.evil.example",
      "https://app.example/",
    ]) {
      await expectProblem(admit({}, upgrade("", { origin })), 403, "forbidden");
    }
  });

  test("A4 A5 no Origin, the own one and the listed one are admitted", async () => {
    await expectAdmission(admit());
    for (const origin of ["https://chat.example", "https://app.example"])
      await expectAdmission(admit({}, upgrade("", { origin })));
  });
});

describe("draining", () => {
  test("A6 a server that is shutting down answers 503 with Retry-After", async () => {
    const answer = await admit({ isDraining: () => true });
    expect((answer as Response).headers.get("retry-after")).toMatch(/^[1-9][0-9]*$/);
    await expectProblem(Promise.resolve(answer), 503, "unavailable");
  });

  test("A6 also when the shutdown began while the host was asked", async () => {
    let isDraining = false;
    const authenticate = async () => {
      isDraining = true;
      return { user: "alice" };
    };
    await expectProblem(admit({ authenticate, isDraining: () => isDraining }), 503, "unavailable");
  });
});

describe("parameters", () => {
  const malformed = [
    "?device=",
    "?device",
    "?device=a%20b",
    "?device=%00",
    "?device=%ff",
    "?device=%",
    "?device=a/b",
    `?device=${"a".repeat(129)}`,
    "?device=a&device=b",
    "?device=a&device=a",
    "?device=a&d%65vice=a",
    "?cursor=",
    "?cursor",
    "?cursor=abc",
    "?cursor=abcdefgh",
    "?cursor=abcdefgh.",
    "?cursor=.1",
    "?cursor=ABCDEFGH.1",
    "?cursor=abcdefg.1",
    "?cursor=abcdefghijklmnopq.1",
    "?cursor=abcdefgh.123456789012",
    "?cursor=abcdefgh.-1",
    "?cursor=abcdefgh.1.1",
    "?cursor=abcdefgh.1%0A",
    "?cursor=abcdefgh.1&cursor=abcdefgh.1",
    "?cursor=%ff",
  ];
  for (const query of malformed) {
    test(`A7 ${query.slice(0, 40)} is answered 400 without repeating it`, async () => {
      const text = await expectProblem(admit({}, upgrade(query)), 400, "bad_request");
      expect(text).toContain(query.startsWith("?device") ? "device" : "cursor");
      expect(text).not.toContain("abc");
    });
  }

  test("A14 parameters of others are left alone", async () => {
    const query = "?user=bob&user=eve&tenant=%ff&ticket=x&y=1&%zz&Device=a%20b&&=&device=d1";
    const admission = await expectAdmission(admit({}, upgrade(query)));
    const url = "http://chat.example/ws";
    expect(admission).toEqual({ session: { tenant: "default", user: "alice" }, device: "d1", headers: {}, url });
  });

  test("A14 a plus in a parameter is a plus", async () => {
    expect(await expectAdmission(admit({}, upgrade("?device=+249912345678")))).toMatchObject({
      device: "+249912345678",
    });
  });
});

describe("the host's answer", () => {
  test("A8 null, undefined and an expired proof get one and the same 401", async () => {
    const answers = [
      null,
      undefined as unknown as null,
      { user: "alice", expiresAt: 1_000 },
      { user: "alice", expiresAt: -1 },
    ];
    const texts = await Promise.all(
      answers.map((answer) => expectProblem(admit({ authenticate: () => answer }), 401, "unauthenticated")),
    );
    expect(new Set(texts).size).toBe(1);
  });

  test("A9 a throw is answered 503 without its text", async () => {
    const throws = [
      () => {
        throw new Error("canary");
      },
      async () => Promise.reject(new ChatError("forbidden", "canary")),
      () => Promise.reject("canary"),
      () => ({
        get user(): string {
          throw new Error("canary");
        },
      }),
    ];
    for (const authenticate of throws) {
      const text = await expectProblem(admit({ authenticate }), 503, "unavailable");
      expect(text).not.toContain("canary");
    }
  });

  test("A9 a throw of `unavailable` is answered 503 with Retry-After, and strangers fill no log of errors", async () => {
    const lines: string[] = [];
    configureLog({ write: (line) => void lines.push(line) });
    const refuse = (error: Error) => () => Promise.reject(error);
    const answer = await admit({ authenticate: refuse(new ChatError("unavailable", "later")) });
    expect((answer as Response).headers.get("retry-after")).toBe("5");
    expect(lines).toEqual([]);
    await admit({ authenticate: refuse(new Error("broken")) });
    expect(lines.join()).toContain("authenticate failed");
    configureLog({ write: () => {} });
  });

  const malformed: [string, unknown][] = [
    ["user", {}],
    ["user", { user: "can ary" }],
    ["user", { user: "" }],
    ["user", { user: "." }],
    ["user", { user: ".." }],
    ["tenant", { user: "alice", tenant: ".." }],
    ["user", { user: 7 }],
    ["user", { user: ["alice"] }],
    ["user", "canary"],
    ["user", true],
    ["user", []],
    ["tenant", { user: "alice", tenant: "canary/1" }],
    ["tenant", { user: "alice", tenant: null }],
    ["tenant", { user: "alice", tenant: "" }],
    ["expiresAt", { user: "alice", expiresAt: NaN }],
    ["expiresAt", { user: "alice", expiresAt: Infinity }],
    ["expiresAt", { user: "alice", expiresAt: "canary" }],
    ["expiresAt", { user: "alice", expiresAt: null }],
    ["expiresAt", { user: "alice", expiresAt: new Date(2_000) }],
  ];
  for (const [field, proof] of malformed) {
    test(`A10 the proof ${JSON.stringify(proof)} is answered 500, naming ${field}`, async () => {
      const text = await expectProblem(admit({ authenticate: () => proof as Proof }), 500, "internal");
      expect(JSON.parse(text).detail).toContain(`field ${field} `);
      expect(text).not.toMatch(/can ?ary/);
    });
  }

  test("A37 an end in seconds is refused loudly, and named", async () => {
    const now = () => 1_780_000_000_000;
    const prove = (expiresAt: number) =>
      createProve({ authenticate: () => ({ user: "alice", expiresAt }), now })(new Request("http://chat.example/"));
    for (const seconds of [1_780_000_600, 1_780_000_600.5, 4_000_000_000, 99_999_999_999]) {
      const text = await expectProblem(prove(seconds), 500, "internal");
      expect(JSON.parse(text).detail).toBe(
        "The field expiresAt of the proof that authenticate answered is in seconds, not in milliseconds",
      );
    }
    for (const past of [0, -1, 999_999_999, 100_000_000_000, now()])
      await expectProblem(prove(past), 401, "unauthenticated");
  });

  test("A37 an end beyond the last date counts as that, and one between two milliseconds as the earlier", async () => {
    const ends: [number, number][] = [
      [Number.MAX_VALUE, 8.64e15],
      [Number.MAX_SAFE_INTEGER, 8.64e15],
      [1_001.75, 1_001],
    ];
    for (const [expiresAt, kept] of ends) {
      const { session } = await expectAdmission(admit({ authenticate: () => ({ user: "alice", expiresAt }) }));
      expect(session.expiresAt).toBe(kept);
    }
  });

  test("A54 the log says which rule an identity breaks and with which character, and nothing else of it", async () => {
    const lines: string[] = [];
    configureLog({ write: (line) => void lines.push(line) });
    for (const user of ["s3cr3t/id", "..", "x".repeat(129)])
      await expectProblem(admit({ authenticate: () => ({ user }) }), 500, "internal");
    await expectProblem(admit({ authenticate: () => ({ user: "alice", tenant: "s3cr3t\n" }) }), 500, "internal");
    resetSync();
    const events = lines.map((line) => JSON.parse(line) as { field: string; reason: string });
    expect(events.map(({ field, reason }) => `${field}: ${reason}`)).toEqual([
      'user: character 7 is U+002F "/", which no id has',
      'user: "." and ".." are no ids',
      "user: it has 129 characters, an id has at most 128",
      "tenant: character 7 is U+000A, which no id has",
    ]);
    expect(lines.join()).not.toMatch(/s3cr3t|xxx/);
  });

  test("A8 A9 A10 createProve answers the same for HTTP routes", async () => {
    const prove = (authenticate: () => Proof | null) =>
      createProve({ authenticate, now: () => 0 })(new Request("http://chat.example/messages"));
    expect(await prove(() => ({ user: "alice", expiresAt: 1 }))).toEqual({
      tenant: "default",
      user: "alice",
      expiresAt: 1,
    });
    await expectProblem(
      prove(() => null),
      401,
      "unauthenticated",
    );
    await expectProblem(
      prove(() => ({ user: "" })),
      500,
      "internal",
    );
    await expectProblem(
      prove(() => {
        throw new Error();
      }),
      503,
      "unavailable",
    );
  });
});

test("A11 no room is answered 429 with Retry-After", async () => {
  const asked: unknown[] = [];
  const answer = await admit({
    hasRoom: (session) => {
      asked.push(session);
      return false;
    },
  });
  expect(asked).toEqual([{ tenant: "default", user: "alice" }]);
  expect((answer as Response).headers.has("retry-after")).toBe(true);
  await expectProblem(Promise.resolve(answer), 429, "too_many_connections");
});

test("A12 the first refusal in order is the answer, and the host is asked last", async () => {
  let asked = 0;
  const authenticate = () => {
    asked++;
    return null;
  };
  const wrong = {
    authenticate: Object.assign(() => authenticate(), { isHostAllowed: () => false }),
    isDraining: () => true,
    hasRoom: () => false,
  };
  const bad = (headers: Record<string, string> = {}) => upgrade("?device=&cursor=", { origin: "null", ...headers });
  await expectProblem(admit(wrong, bad({ upgrade: "no" })), 426, "upgrade_required");
  await expectProblem(admit(wrong, bad()), 403, "forbidden");
  expect(await expectProblem(admit({ ...wrong, authenticate }, bad()), 403, "forbidden")).toContain("Origin");
  await expectProblem(admit({ ...wrong, authenticate }, upgrade("?device=")), 503, "unavailable");
  const open = { authenticate, hasRoom: () => false };
  expect(await expectProblem(admit(open, upgrade("?device=&cursor=")), 400, "bad_request")).toContain("device");
  expect(asked).toBe(0);
  await expectProblem(admit(open), 401, "unauthenticated");
  expect(asked).toBe(1);
});

describe("subprotocol", () => {
  for (const [offered, selected] of [
    ["tidings.v1", "tidings.v1"],
    ["bearer.X, tidings.v1", "tidings.v1"],
    ["tidings.v1,bearer.X", "tidings.v1"],
    ["bearer.X", ""],
    ["tidings.v2", ""],
    ["TIDINGS.V1", ""],
    ["xtidings.v1, tidings.v1x", ""],
  ] as const) {
    test(`A13 of ${offered} is selected ${JSON.stringify(selected)}`, async () => {
      const { headers } = await expectAdmission(admit({}, upgrade("", { "sec-websocket-protocol": offered })));
      expect(headers).toEqual({ "Sec-WebSocket-Protocol": selected });
    });
  }
});

describe("on a real server", () => {
  /** Sends bytes, answers the head of the response. */
  const raw = (port: number, lines: string[]) =>
    new Promise<string>((resolve, reject) => {
      const socket = connect(port, "127.0.0.1", () => socket.write(`${lines.join("\r\n")}\r\n\r\n`));
      socket.once("data", (data) => {
        resolve(String(data));
        socket.destroy();
      });
      socket.once("error", reject);
      socket.once("close", () => reject(new Error("Closed without an answer")));
    });
  const handshake = [
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
  ];

  async function serve(use: (port: number) => Promise<void>): Promise<void> {
    const door = createAdmit({ ...base, authenticate: demo() });
    const server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      async fetch(request, bun) {
        const admission = await door(request);
        if (admission instanceof Response) return admission;
        return bun.upgrade(request, { headers: admission.headers, data: undefined })
          ? undefined
          : new Response(null, { status: 400 });
      },
      websocket: { message() {} },
    });
    try {
      await use(server.port ?? 0);
    } finally {
      await server.stop(true);
    }
  }

  test("A13 Bun never echoes a token that was offered as a subprotocol", async () => {
    await serve(async (port) => {
      const offer = (protocols: string) =>
        raw(port, [
          "GET /ws?user=alice HTTP/1.1",
          `Host: localhost:${port}`,
          ...handshake,
          `Sec-WebSocket-Protocol: ${protocols}`,
        ]);
      const chosen = await offer("bearer.CANARY, tidings.v1");
      expect(chosen).toStartWith("HTTP/1.1 101");
      expect(chosen).toContain("Sec-WebSocket-Protocol: tidings.v1\r\n");
      expect(chosen).not.toContain("CANARY");
      const none = await offer("bearer.CANARY");
      expect(none).toStartWith("HTTP/1.1 101");
      expect(none.toLowerCase()).not.toContain("sec-websocket-protocol");
    });
  });

  test("A1 A2 A12 odd requests are refused, none is answered 500", async () => {
    await serve(async (port) => {
      const host = `Host: localhost:${port}`;
      expect(await raw(port, ["GET /ws?user=a HTTP/1.1", host])).toStartWith("HTTP/1.1 426");
      expect(await raw(port, ["GET /ws?user=a HTTP/1.1", "Host: evil.example", ...handshake])).toStartWith(
        "HTTP/1.1 403",
      );
      expect(await raw(port, ["GET /ws?user=a HTTP/1.1", host, "Host: evil.example", ...handshake])).toStartWith(
        "HTTP/1.1 40",
      );
      expect(
        await raw(port, ["GET http://localhost/ws?user=a HTTP/1.1", "Host: evil.example", ...handshake]),
      ).toStartWith("HTTP/1.1 403");
      expect(await raw(port, ["GET /ws?user=a HTTP/1.0", ...handshake])).toStartWith("HTTP/1.1 403");
      expect(
        await raw(port, ["GET /ws?user=a HTTP/1.1", host, "Origin: https://evil.example", ...handshake]),
      ).toStartWith("HTTP/1.1 403");
      const both = [
        "GET /ws?user=a HTTP/1.1",
        host,
        `Origin: http://localhost:${port}`,
        "Origin: https://evil.example",
        ...handshake,
      ];
      expect(await raw(port, both)).toStartWith("HTTP/1.1 403");
      expect(
        await raw(port, ["GET /ws?user=a HTTP/1.1", host, `Origin: http://localhost:${port}`, ...handshake]),
      ).toStartWith("HTTP/1.1 101");
    });
  });
});
