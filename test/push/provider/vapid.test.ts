import { expect, test } from "bun:test";
import { decodeJwt, decodeProtectedHeader } from "jose";
import { generateVapidKeys } from "../../../src/push/provider/vapid-keys.ts";
import { createVapid } from "../../../src/push/provider/vapid.ts";

const [keys, others] = [await generateVapidKeys(), await generateVapidKeys()];
const options = { ...keys, subject: "mailto:ops@example.com" };
const [origin, now, hour] = ["https://push.example", 1_780_000_000_000, 3_600_000];
const claimsOf = (header: string) => decodeJwt(header.slice("vapid t=".length, header.indexOf(",")));

test("U16 the header has a token for the origin, and the public key", async () => {
  const header = await createVapid(options)(origin, now);
  expect(header).toMatch(/^vapid t=[\w-]+\.[\w-]+\.[\w-]+, k=[\w-]{87}$/);
  expect(header.slice(header.indexOf("k=") + 2)).toBe(keys.publicKey);
  expect(claimsOf(header)).toEqual({ aud: origin, exp: (now + 12 * hour) / 1_000, sub: options.subject });
  expect(decodeProtectedHeader(header.slice(8, header.indexOf(",")))).toEqual({ typ: "JWT", alg: "ES256" });
});

test("U16 a token is used until an hour before its end, and each origin has its own", async () => {
  const vapid = createVapid(options);
  const endOf = async (at: number, of = origin) => ((claimsOf(await vapid(of, at)).exp ?? 0) * 1_000 - now) / hour;
  expect(await endOf(now)).toBe(12);
  expect(await endOf(now + 11 * hour - 1)).toBe(12);
  expect(await endOf(now + 11 * hour)).toBe(23);
  // The clock was set back: a push service would refuse a token with more than its longest lifetime.
  expect(await endOf(now)).toBe(12);
  expect(claimsOf(await vapid("https://other.example", now)).aud).toBe("https://other.example");
});

test("U16 keys and subjects that no push service takes are refused at once", () => {
  for (const [wrong, text] of [
    [{ publicKey: keys.privateKey }, "public VAPID key"],
    [{ privateKey: "" }, "private VAPID key"],
    [{ privateKey: keys.publicKey }, "private VAPID key"],
    [{ subject: "ops@example.com" }, "VAPID subject"],
    [{ subject: "mailto:ops" }, "VAPID subject"],
    [{ subject: "http://example.com" }, "VAPID subject"],
    [{ subject: "https://exa mple.com" }, "VAPID subject"],
    [{ subject: `mailto:ops@${"x".repeat(260)}` }, "VAPID subject"],
    [{ subject: undefined as unknown as string }, "VAPID subject"],
  ] as const)
    expect(() => createVapid({ ...options, ...wrong })).toThrow(text);
  expect(() => createVapid({ ...options, subject: "https://example.com/contact" })).not.toThrow();
});

test("U16 two keys that are no pair are refused when they are first used", async () => {
  const vapid = createVapid({ ...options, privateKey: others.privateKey });
  const error: unknown = await vapid(origin, now).catch((fault: unknown) => fault);
  expect(error).toMatchObject({ code: "config_invalid", message: "The VAPID keys are no pair" });
});
