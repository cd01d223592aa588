import { expect, test } from "bun:test";
import { base64url } from "jose";
import { ChatError } from "../../../src/error.ts";
import {
  listServices,
  parseSubscription,
  pushServices,
  readSubscription,
} from "../../../src/push/provider/subscription.ts";

const isService = listServices(pushServices);
const { publicKey } = await crypto.subtle.generateKey({ name: "ECDH", namedCurve: "P-256" }, true, ["deriveBits"]);
const p256dh = base64url.encode(new Uint8Array(await crypto.subtle.exportKey("raw", publicKey)));
const auth = base64url.encode(new Uint8Array(16).fill(7));
const keys = { p256dh, auth };
const endpoint = "https://fcm.googleapis.com/fcm/send/abc";
const parse = (value: unknown) => parseSubscription(value, isService);

test("U17 a list of services names hosts, and with `*.` each host below one", () => {
  const own = listServices(["push.example", "*.push.test"]);
  for (const host of ["push.example", "a.push.test", "a.b.push.test"]) expect([host, own(host)]).toEqual([host, true]);
  for (const host of ["a.push.example", "push.test", ".push.test", "evilpush.test", "push.example.evil", ""])
    expect([host, own(host)]).toEqual([host, false]);
  expect(listServices([])("push.example")).toBe(false);
});

test("U17 an entry of the list that is no name of a host is refused", () => {
  for (const wrong of [
    "",
    "localhost",
    "*",
    "*.",
    "a.*.b",
    "10.0.0.1",
    "https://push.example",
    "push.example:443",
    "-a.b",
    `${"a.".repeat(127)}bc`,
  ])
    expect(() => listServices([wrong])).toThrow(ChatError);
  expect(() => listServices([7 as unknown as string])).toThrow("got 7");
});

test("U16 a subscription is stored with its address and keys alone, and read back", () => {
  const found = parse({ endpoint, keys, expirationTime: null, more: "x" });
  expect(found).toEqual({ token: JSON.stringify({ endpoint, keys }) });
  const read = readSubscription(found?.token ?? "");
  expect([read?.endpoint.href, base64url.encode(read?.keys.p256dh ?? new Uint8Array())]).toEqual([endpoint, p256dh]);
  // Padding, as some browsers write it.
  expect(parse({ endpoint, keys: { p256dh: `${p256dh}=`, auth: `${auth}==` } })).toEqual(found);
});

test("U16 the end of a subscription is a whole time of milliseconds", () => {
  const endOf = (expirationTime: unknown) => parse({ endpoint, keys, expirationTime })?.expiresAt;
  expect([endOf(0), endOf(1_700_000_000_000.7), endOf(undefined)]).toEqual([0, 1_700_000_000_000, undefined]);
  for (const wrong of [-1, Number.NaN, Infinity, "1700000000000", {}, 2 ** 60])
    expect([wrong, parse({ endpoint, keys, expirationTime: wrong })]).toEqual([wrong, null]);
});

test("U17 only https on port 443 of a listed host is taken, however it is written", () => {
  for (const wrong of [
    "http://fcm.googleapis.com/x",
    "https://fcm.googleapis.com:8443/x",
    "https://user@fcm.googleapis.com/x",
    "https://@fcm.googleapis.com/x",
    "https://fcm.googleapis.com/x#part",
    "https://fcm.googleapis.com\\@evil.example/x",
    "https://fcm.googleapis.com/a b",
    "https://fcm.googleapis.com.evil.example/x",
    "https://fcm.googleapis.com./x",
    "https://127.0.0.1/x",
    "https://[::1]/x",
    `https://fcm.googleapis.com/${"x".repeat(2_048)}`,
    // It is longer once it is escaped.
    `https://fcm.googleapis.com/${'"'.repeat(1_000)}`,
    7,
  ])
    expect([wrong, parse({ endpoint: wrong, keys })]).toEqual([wrong, null]);
  expect(parse({ endpoint: "https://fcm.googleapis.com:443/x", keys })?.token).toContain(
    '"https://fcm.googleapis.com/x"',
  );
});

test("U16 keys of another length, form or curve are refused, and texts that are no subscription", () => {
  const offCurve = base64url.encode(Uint8Array.from({ length: 65 }, (_, i) => (i === 0 ? 4 : i)));
  for (const wrong of [
    { p256dh, auth: base64url.encode(new Uint8Array(15)) },
    { p256dh: auth, auth },
    { p256dh: offCurve, auth },
    { p256dh: `${p256dh.slice(0, -1)}+`, auth },
    { p256dh },
    [],
    null,
  ])
    expect([wrong, parse({ endpoint, keys: wrong })]).toEqual([wrong, null]);
  for (const wrong of [null, [], "x", 7, {}]) expect([wrong, parse(wrong)]).toEqual([wrong, null]);
  for (const wrong of ["", "{", "null", "[]", "{}"]) expect([wrong, readSubscription(wrong)]).toEqual([wrong, null]);
});
