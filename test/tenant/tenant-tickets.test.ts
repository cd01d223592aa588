import { expect, test } from "bun:test";
import { ChatError } from "../../src/error.ts";
import { sha256 } from "../../src/internal/sha256.ts";
import type { Session } from "../../src/model.ts";
import type { Database } from "../../src/tenant/database.ts";
import type { Entry } from "../../src/tenant/entry.ts";
import { createTenantTickets } from "../../src/tenant/tenant-tickets.ts";
import { fakeClock } from "../support/fake-clock.ts";

const secret = "s".repeat(43);

/** A node that has some databases open, and a host that names some others. */
function start({ open = [] as string[], named = {} as Record<string, string>, session = null as Session | null } = {}) {
  const clock = fakeClock(0, async () => {});
  const state = { leases: [] as string[], releases: 0, hashes: [] as string[], isAway: false };
  const tickets = createTenantTickets({
    ...{ clock, limits: { ticketMs: 1_000 } },
    directory: {
      find: (tenant) => (open.includes(tenant) ? ({ state: { type: "open" } } as Entry) : undefined),
      look: async (tenant) => (named[tenant] === undefined ? null : { url: named[tenant] }),
    },
    async lease(tenant) {
      state.leases.push(tenant);
      if (state.isAway) throw new ChatError("unavailable", "away");
      const useTicket = async (hash: string) => (state.hashes.push(hash), session);
      return { database: { store: { useTicket } } as unknown as Database, release: () => void state.releases++ };
    },
  });
  return { clock, tickets, state };
}
const alice: Session = { tenant: "acme", user: "alice" };

test("T6 a ticket names its tenant, and is used up in its database under the hash of the whole", async () => {
  const { tickets, state } = start({ open: ["acme"], session: alice });
  const ticket = tickets.ticketOf(secret, "acme");
  expect(ticket).toBe(`${secret}.acme`);
  expect(await tickets.useTicket(ticket)).toEqual(alice);
  expect(state).toMatchObject({ leases: ["acme"], releases: 1, hashes: [await sha256(ticket)] });
});

test("T6 T1 a text that is no ticket, and a session of another tenant, are nothing", async () => {
  const { tickets, state } = start({ open: ["acme", "evil"], session: alice });
  for (const text of ["", secret, `${secret}.`, `${secret}.a b`, `${secret}x.acme`, `${secret.slice(1)}.acme`])
    expect(await tickets.useTicket(text)).toBeNull();
  expect(state.leases).toEqual([]);
  expect([await tickets.useTicket(`${secret}.evil`), state.releases]).toEqual([null, 1]);
});

test("T4 K11 a stranger's ticket opens no file and no database that the host does not know", async () => {
  const { tickets, state } = start({ named: { file: "file:acme.db", remote: "libsql://acme.example" }, session: null });
  expect([await tickets.useTicket(`${secret}.file`), await tickets.useTicket(`${secret}.nobody`)]).toEqual([
    null,
    null,
  ]);
  expect(state.leases).toEqual([]);
  // Another node may have issued a ticket for a database on a server.
  await tickets.useTicket(`${secret}.remote`);
  expect(state.leases).toEqual(["remote"]);
});

test("T6 a ticket that was issued here opens its database as long as it is valid", async () => {
  const { clock, tickets, state } = start({ named: { acme: "file:acme.db" }, session: alice });
  const ticket = tickets.ticketOf(secret, "acme");
  await clock.advance(999);
  tickets.sweep();
  expect(await tickets.useTicket(ticket)).toEqual(alice);
  await clock.advance(1);
  tickets.sweep();
  expect([await tickets.useTicket(ticket), state.leases.length]).toEqual([null, 1]);
});

test("T4 a database that is away is an error only for a ticket that was issued here", async () => {
  const { tickets, state } = start({ named: { acme: "libsql://acme.example" } });
  state.isAway = true;
  expect(await tickets.useTicket(`${secret}.acme`)).toBeNull();
  const refused: unknown = await tickets.useTicket(tickets.ticketOf(secret, "acme")).catch((error: unknown) => error);
  expect(refused).toMatchObject({ code: "unavailable" });
});
