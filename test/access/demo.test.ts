import { expect, test } from "bun:test";
import { demo } from "../../src/access/demo.ts";

const ask = (query: string, host = "localhost:6662", options = {}) =>
  demo(options)(new Request(`http://${host}/ws${query}`, { headers: { host } }));

const good: [string, { user: string; tenant?: string }][] = [
  ["?user=alice", { user: "alice" }],
  ["?user=alice&tenant=acme", { user: "alice", tenant: "acme" }],
  ["?device=d1&user=alice&x=%ff", { user: "alice" }],
  ["?user=+249912345678", { user: "+249912345678" }],
  ["?user=%2B249912345678", { user: "+249912345678" }],
  ["?user=alice%40example.com", { user: "alice@example.com" }],
];
for (const [query, proof] of good) {
  test(`A17 demo takes ${query}`, async () => expect(await ask(query)).toEqual(proof));
}

const bad = [
  "",
  "?",
  "?user",
  "?user=",
  "?user=alice&user=bob",
  "?user=alice&tenant=",
  "?user=alice&tenant=a&tenant=a",
  "?user=a%20b",
  "?user=%00",
  "?user=%ff",
  "?user=zo%C3%AB",
  "?User=alice",
  "?tenant=acme",
  "?user=a/b",
  "#?user=alice",
  `?user=${"a".repeat(129)}`,
];
for (const query of bad)
  test(`A17 demo refuses ${query.slice(0, 40)}`, async () => expect(await ask(query)).toBeNull());

test("A17 demo refuses a foreign Host, unless it may serve anywhere", async () => {
  for (const host of ["evil.example", "127.0.0.1.evil.com:6662", "192.168.1.5:6662"]) {
    expect(await ask("?user=alice", host)).toBeNull();
    expect(await ask("?user=alice", host, { anywhere: true })).toEqual({ user: "alice" });
  }
});

test("A17 demo has a check of the Host of its own", () => {
  const request = new Request("http://localhost/ws", { headers: { host: "evil.example" } });
  expect(demo().isHostAllowed(request)).toBe(false);
  expect(demo({ anywhere: true }).isHostAllowed(request)).toBe(true);
  expect(demo().isHostAllowed(new Request("http://127.0.0.1:6662/ws"))).toBe(true);
});
