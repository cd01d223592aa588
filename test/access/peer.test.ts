import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { createOrigination, type TrustProxy } from "../../src/access/peer.ts";

const from = (
  trust: TrustProxy,
  address: string | undefined,
  forwarded?: string,
  headers: Record<string, string> = {},
) =>
  createOrigination(trust)(
    new Request("http://h/ws", {
      headers: { ...(forwarded !== undefined && { "x-forwarded-for": forwarded }), ...headers },
    }),
    { address },
  );

describe("forwarded headers", () => {
  test("A32 without a trusted proxy they count for nothing", () => {
    const headers = { "x-forwarded-proto": "https", "x-forwarded-host": "evil.example" };
    expect(from(0, "192.0.2.1", "198.51.100.1", headers)).toEqual({
      address: "192.0.2.1",
      isHttps: undefined,
      host: undefined,
    });
    expect(from([], "192.0.2.1", "198.51.100.1", headers).address).toBe("192.0.2.1");
    expect(from(["10.0.0.0/8"], "192.0.2.1", "198.51.100.1", headers).address).toBe("192.0.2.1");
    expect(from(["10.0.0.0/8"], undefined, "198.51.100.1", headers).address).toBeUndefined();
  });

  test("A32 they are read from the right, as far as proxies are trusted", () => {
    const chain = "203.0.113.9, 198.51.100.7, 192.0.2.20";
    expect(from(1, "192.0.2.10", chain).address).toBe("192.0.2.20");
    expect(from(2, "192.0.2.10", chain).address).toBe("198.51.100.7");
    expect(from(3, "192.0.2.10", chain).address).toBe("203.0.113.9");
    expect(from(9, "192.0.2.10", chain).address).toBe("203.0.113.9");
    expect(from(["192.0.2.0/24"], "192.0.2.10", chain).address).toBe("198.51.100.7");
    expect(from(["192.0.2.0/24"], "::ffff:192.0.2.10", chain).address).toBe("198.51.100.7");
    expect(from(["127.0.0.1"], "127.0.0.1", "192.0.2.44:51234").address).toBe("192.0.2.44");
    expect(from(["127.0.0.1"], "127.0.0.1", "[2001:db8::1]:51234").address).toBe("2001:db8:0:0::/64");
    // A trusted proxy without a header is the last known address.
    expect(from(["192.0.2.0/24"], "192.0.2.10").address).toBe("192.0.2.10");
    expect(from(2, "192.0.2.10", "unknown, 192.0.2.20").address).toBe("192.0.2.20");
  });

  test("A32 whatever a client writes into them, it is counted under what the proxy saw", () => {
    const written = fc.array(fc.oneof(fc.ipV4(), fc.ipV6(), fc.stringMatching(/^[ -+\--~]{0,12}$/)), { maxLength: 20 });
    fc.assert(
      fc.property(written, (list) => {
        const forged = [...list, "198.51.100.7"].join(", ");
        expect(from(1, "127.0.0.1", forged).address).toBe("198.51.100.7");
        expect(from(["127.0.0.1"], "127.0.0.1", forged).address).toBe("198.51.100.7");
      }),
    );
  });

  test("A32 a trusted proxy says how the client addressed it", () => {
    const told = from(1, "10.0.0.1", "192.0.2.1", {
      "x-forwarded-proto": "http, https",
      "x-forwarded-host": "evil.example, chat.example",
    });
    expect(told).toEqual({ address: "192.0.2.1", isHttps: true, host: "chat.example" });
  });

  test("A32 C7 a proxy that is none is refused at the start", () => {
    for (const wrong of [-1, 17, 1.5, Number.NaN, ["proxy.example"], ["10.0.0.0/99"], [""]])
      expect(() => createOrigination(wrong)).toThrow(/trust/i);
  });
});
