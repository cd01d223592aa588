import { expect, test } from "bun:test";
import { deleteDevice, putDevice } from "../../../src/http/route/devices.ts";
import type { PushProvider } from "../../../src/push/provider.ts";
import { sha256 } from "../../../src/internal/sha256.ts";
import { callOf, outcomeOf } from "./call.ts";

const provider = (name: string, parse: (push: Readonly<Record<string, unknown>>) => unknown) =>
  ({ name, expects: "a token", parse }) as unknown as PushProvider;
const providers = [
  provider("sms", ({ token }) =>
    typeof token === "string" ? { token, ...(token === "ends" && { expiresAt: 9 }) } : null,
  ),
  provider("user", () => ({ token: "" })),
];

function start(fields: object = {}) {
  const calls: unknown[] = [];
  const note =
    (name: string) =>
    async (...args: unknown[]) =>
      void calls.push([name, ...args.slice(1)]);
  const store = { forgetDevice: note("forget"), devices: { putDevice: note("put"), deleteDevice: note("delete") } };
  const all = { id: "phone", push: { providers }, ...fields };
  return {
    calls,
    put: (body: object) => outcomeOf(putDevice.handle(callOf({ method: "PUT", body, store, fields: all }))),
    remove: (query = "") => outcomeOf(deleteDevice.handle(callOf({ method: "DELETE", query, store, fields: all }))),
  };
}

test("U11 a device is registered with the address that its provider reads, and whether it is notified", async () => {
  const { calls, put } = start();
  expect([
    await put({ push: { provider: "sms", token: "ends" } }),
    await put({ notify: false }),
    await put({}),
  ]).toEqual([204, 204, 204]);
  const hash = await sha256("sms ends");
  expect(calls).toEqual([
    [
      "put",
      "phone",
      {
        address: { provider: "sms", token: "ends", hash, expiresAt: 9, isTenantsOwn: false },
        notify: undefined,
        now: 1_000,
      },
    ],
    ["put", "phone", { address: undefined, notify: false, now: 1_000 }],
    ["put", "phone", { address: undefined, notify: undefined, now: 1_000 }],
  ]);
});

test("U25 where a device holds several accounts, its address is the tenant's own", async () => {
  const { calls, put } = start({ push: { providers, accountsPerDevice: "several" } });
  await put({ push: { provider: "sms", token: "t" } });
  expect(calls).toMatchObject([["put", "phone", { address: { isTenantsOwn: true } }]]);
});

test("U15 a provider without tokens has one address for each device, which no token can be", async () => {
  const hashOf = async (fields: object) => {
    const { calls, put } = start(fields);
    await put({ push: { provider: "user" } });
    return (calls as [string, string, { address: { hash: string } }][])[0]?.[2].address.hash ?? "";
  };
  const hashes = await Promise.all(
    [{}, { id: "tablet" }, { session: { tenant: "t", user: "bob" } }, { session: { tenant: "u", user: "alice" } }].map(
      hashOf,
    ),
  );
  expect([new Set(hashes).size, hashes.every((hash) => hash.startsWith("device "))]).toEqual([4, true]);
});

test("U11 a wrong address or device changes nothing", async () => {
  for (const body of [
    { push: { provider: "none", token: "t" } },
    { push: { provider: "sms" } },
    { push: { provider: "sms", token: "a\0" } },
    { push: { provider: "sms", token: "\ud800" } },
    { push: "sms" },
    { notify: "yes" },
    { more: 1 },
  ]) {
    const { calls, put } = start();
    expect([body, await put(body), calls]).toEqual([body, "bad_request", []]);
  }
  const odd = start({ push: { providers: [provider("sms", () => ({ token: "t", expiresAt: 1.5 }))] } });
  expect(await odd.put({ push: { provider: "sms" } })).toBe("bad_request");
  expect(await start({ id: "a b" }).put({})).toBe("bad_request");
  expect(await start({ push: { providers: [] } }).put({ push: { provider: "sms" } })).toBe("bad_request");
});

test("S46 a device is deleted with its addresses, or forgotten as a whole", async () => {
  const { calls, remove } = start();
  expect([
    await remove(),
    await remove("?forget=false"),
    await remove("?forget=true"),
    await remove("?forget=yes"),
  ]).toEqual([204, 204, 204, "bad_request"]);
  expect(calls).toEqual([
    ["delete", "phone"],
    ["delete", "phone"],
    ["forget", "phone", 1_000],
  ]);
});
