import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { type Chat, createChat } from "../../src/chat.ts";
import type { Proof } from "../../src/access/authenticate.ts";
import { hashOfTicket } from "../../src/access/ticket.ts";
import { systemRandom } from "../../src/internal/random.ts";
import { plant } from "../plants/index.ts";
import { startAltered } from "../support/alteration.ts";
import { openEngine } from "../../src/store/engine/open.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { type RunningServer, temporaryFolder } from "../support/server.ts";

type Ticket = { readonly ticket: string; readonly expiresAt: number };

const clock = fakeClock();
const folder = temporaryFolder();
let chat: Chat;
/** Who a request is of: `Authorization: user` or `user@tenant`, with when the proof ends behind a blank. */
const authenticate = (request: Request): Proof | null => {
  const [who = "", end] = (request.headers.get("authorization") ?? "").split(" ");
  const [user = "", tenant = "default"] = who.split("/");
  return user === "" ? null : { user, tenant, ...(end !== undefined && { expiresAt: Number(end) }) };
};
const made = (name: string) =>
  createChat({
    database: { url: `file:${join(folder, name)}` },
    authenticate,
    clock,
    limits: { ticketsPerUserMax: 4 },
  });

beforeAll(async () => {
  chat = made("chat.db");
  await chat.ready();
});
afterAll(async () => {
  await chat.close();
  rmSync(folder, { recursive: true, force: true });
});

const buy = async (who: string, init: { headers?: Record<string, string>; body?: string } = {}) => {
  const headers = { authorization: who, ...init.headers };
  const response = await chat.fetch(new Request("http://localhost/tickets", { method: "POST", ...init, headers }));
  return { status: response.status, body: (await response.json()) as Ticket & { code?: string } };
};
const upgrade = async (query: string, headers: Record<string, string> = {}) => {
  const request = new Request(`http://localhost/ws?${query}`, {
    headers: { upgrade: "websocket", connection: "Upgrade", ...headers },
  });
  const answer = await chat.admit(request);
  return answer instanceof Response ? { status: answer.status, text: await answer.text() } : { status: 101, ...answer };
};

describe("tickets", () => {
  test("T6 a ticket works once, in its 30 seconds, for its user; whatever is wrong with it is answered alike", async () => {
    const { status, body } = await buy("alice");
    expect([status, body.expiresAt - clock.now()]).toEqual([201, 30_000]);
    expect(await upgrade(`ticket=${body.ticket}&device=phone`)).toMatchObject({
      status: 101,
      session: { tenant: "default", user: "alice" },
      device: "phone",
    });
    const late = (await buy("alice")).body.ticket;
    await clock.advance(30_000);
    const nobody = await upgrade("device=phone");
    expect(nobody.status).toBe(401);
    for (const ticket of [body.ticket, late, systemRandom.secret(), "", "x", `${body.ticket}=`, "%00", "a".repeat(500)])
      expect(await upgrade(`ticket=${ticket}`)).toEqual(nobody);
    // A ticket is good to the last moment.
    const last = (await buy("alice")).body.ticket;
    await clock.advance(29_999);
    expect((await upgrade(`ticket=${last}`)).status).toBe(101);
  });

  test("T6 of many who use one ticket at once, one gets in", async () => {
    for (let i = 0; i < 10; i++) {
      const { ticket } = (await buy("bob")).body;
      const all = await Promise.all(Array.from({ length: 8 }, () => upgrade(`ticket=${ticket}`)));
      expect(all.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([
        101,
        ...Array.from({ length: 7 }, () => 401),
      ]);
    }
  });

  test("T6 T1 it is its user's and its tenant's, whatever else the request says, and it proves nothing elsewhere", async () => {
    const { ticket } = (await buy("alice/acme")).body;
    expect((await chat.fetch(new Request(`http://localhost/messages?ticket=${ticket}`))).status).toBe(401);
    const again = new Request(`http://localhost/tickets?ticket=${ticket}`, { method: "POST" });
    expect((await chat.fetch(again)).status).toBe(401);
    expect(await upgrade(`ticket=${ticket}&user=eve&tenant=other`, { authorization: "eve" })).toMatchObject({
      status: 101,
      session: { tenant: "acme", user: "alice" },
    });
    // Once it is used, the header does not help it.
    expect((await upgrade(`ticket=${ticket}`, { authorization: "eve" })).status).toBe(401);
    expect((await upgrade("ticket=a&ticket=b")).status).toBe(400);
  });

  test("A28 the socket ends when the session that bought the ticket does, and the ticket no later", async () => {
    const end = clock.now() + 10_000;
    const { body } = await buy(`alice ${end}`);
    expect(body.expiresAt).toBe(end);
    expect(await upgrade(`ticket=${body.ticket}`)).toMatchObject({ session: { user: "alice", expiresAt: end } });
    expect((await buy(`alice ${clock.now()}`)).status).toBe(401);
  });

  test("A37 a session that ends after all dates, or between two milliseconds, buys tickets too", async () => {
    const { status, body } = await buy(`alice ${Number.MAX_VALUE}`);
    expect([status, body.expiresAt - clock.now()]).toEqual([201, 30_000]);
    expect(await upgrade(`ticket=${body.ticket}`)).toMatchObject({ status: 101, session: { expiresAt: 8.64e15 } });
    expect((await buy(`alice ${clock.now() + 10_000.5}`)).body.expiresAt).toBe(clock.now() + 10_000);
  });

  test("A29 a user has a bounded number of unused tickets; they expire, and are swept", async () => {
    for (let i = 0; i < 4; i++) expect((await buy("carol")).status).toBe(201);
    expect(await buy("carol")).toMatchObject({ status: 429, body: { code: "rate_limited" } });
    expect((await buy("carol/other")).status).toBe(201);
    await clock.advance(30_001);
    for (let i = 0; i < 4; i++) expect((await buy("carol")).status).toBe(201);
  });

  test("A28 a body is empty or an empty object, and a page of another site gets none", async () => {
    const json = { "content-type": "application/json" };
    expect((await buy("dan", { headers: json, body: "{}" })).status).toBe(201);
    expect((await buy("dan", { headers: json })).status).toBe(201);
    expect((await buy("dan", { headers: json, body: '{"user":"eve"}' })).status).toBe(400);
    expect((await buy("dan", { headers: { "content-type": "text/plain" }, body: "x" })).status).toBe(400);
    expect((await buy("dan", { headers: { origin: "https://evil.example" } })).status).toBe(403);
  });

  test("A28 a ticket is stored as its hash, and expired ones do not pile up", async () => {
    const other = createChat({ database: { url: `file:${join(folder, "swept.db")}` }, authenticate, clock });
    const ask = async () =>
      (await other
        .fetch(new Request("http://localhost/tickets", { method: "POST", headers: { authorization: "a" } }))
        .then((response) => response.json())) as Ticket;
    const given: string[] = [];
    for (let i = 0; i < 60; i++) {
      given.push((await ask()).ticket);
      await clock.advance(1_000);
    }
    await other.close();
    const engine = openEngine({ url: `file:${join(folder, "swept.db")}` });
    const [rows = []] = await engine.read([{ sql: "SELECT * FROM tidings_ticket" }]);
    await engine.close();
    expect(rows.length).toBeWithin(29, 33);
    const stored = JSON.stringify(rows);
    expect(given.some((ticket) => stored.includes(ticket))).toBe(false);
    expect(stored).toContain((await hashOfTicket(given.at(-1) ?? "")) ?? "none");
  });

  test("T6 no text that was not given out opens anything", async () => {
    const guess = fc.oneof(
      fc.string({ unit: "binary" }).map((text) => encodeURIComponent(text.toWellFormed())),
      fc.stringMatching(/^[A-Za-z0-9_-]{43}$/),
      fc.constant("' OR 1=1 --"),
    );
    await fc.assert(
      fc.asyncProperty(guess, async (text) => {
        expect([400, 401]).toContain((await upgrade(`ticket=${text}`)).status);
      }),
    );
  });

  describe("on a real server", () => {
    const tickets = async ({ port }: RunningServer, user: string) => {
      const response = await fetch(`http://127.0.0.1:${port}/tickets?user=${user}`, { method: "POST" });
      return ((await response.json()) as Ticket).ticket;
    };
    /** The user of the socket that it opens; null: it opens none. */
    const opens = async (server: RunningServer, ticket: string) => {
      const address = `ws://127.0.0.1:${server.port}/ws?user=eve&ticket=${ticket}`;
      return await new Promise<string | null>((resolve) => {
        const socket = new WebSocket(address);
        socket.onmessage = ({ data }) => {
          socket.close();
          resolve((JSON.parse(String(data)) as { user: string }).user);
        };
        socket.onerror = () => resolve(null);
      });
    };
    const judge = async (server: RunningServer): Promise<string[]> => {
      const ticket = await tickets(server, "alice");
      const first = await opens(server, ticket);
      const second = await opens(server, ticket);
      return [`first ${first}`, `second ${second}`];
    };

    test("T6 it opens one socket, of its user", async () => {
      const server = await startAltered();
      try {
        expect(await judge(server)).toEqual(["first alice", "second null"]);
      } finally {
        await server.dispose();
      }
    });

    test("control: T6 a ticket that is looked up and not taken out of use is seen", async () => {
      const server = await startAltered({ alterations: plant("a ticket is looked up and stays in use") });
      try {
        expect(await judge(server)).toEqual(["first alice", "second alice"]);
      } finally {
        await server.dispose();
      }
    });
  });
});
