import { afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { isPublicAddress } from "../../src/push/provider/public-address.ts";
import type { Fetch } from "../../src/push/provider/fetch.ts";
import { resolveHost } from "../../src/push/provider/resolve-host.ts";
import {
  generateVapidKeys,
  pushServices,
  type VapidKeys,
  webPush,
  type WebPushOptions,
} from "../../src/push/provider/webpush.ts";
import { type FakeServer, serveFake } from "./fake/http.ts";
import { createReceiver } from "./fake/push-envelope.ts";
import { plant, type PlantName } from "../plants/index.ts";
import { plantedModule } from "./planted.ts";
import { noticeTo, send } from "./send.ts";

const identity = { tenant: "acme", user: "alice" };
const subject = "mailto:ops@shop.example";
const receiver = createReceiver();
const receiverKeys = {
  p256dh: receiver.ecdh.getPublicKey("base64url"),
  auth: receiver.auth.toString("base64url"),
};
const good = "https://fcm.googleapis.com/fcm/send/abc";

let keys: VapidKeys;
/** A server of the private network: no request may reach it. */
let inside: FakeServer;
/** The server behind the allowed endpoints. */
let outside: FakeServer;
beforeAll(async () => {
  keys = await generateVapidKeys();
});
beforeEach(async () => {
  [inside, outside] = await Promise.all([serveFake(() => ({ status: 201 })), serveFake(() => ({ status: 201 }))]);
});
afterEach(() => Promise.all([inside.dispose(), outside.dispose()]));

/** A network of an attacker: only the push service's own address is outside, all others are inside. */
const fetch: Fetch = (url, init) => {
  const isService = new URL(url).host === "fcm.googleapis.com";
  return globalThis.fetch((isService ? outside : inside).url, init);
};
const resolve = () => Promise.resolve(["142.250.1.95"]);
const provider = (more: Partial<WebPushOptions> = {}) => webPush({ ...keys, subject, fetch, resolve, ...more });
const stored = (endpoint: string) => JSON.stringify({ endpoint, keys: receiverKeys });
const parse = (endpoint: string, more: Partial<WebPushOptions> = {}) =>
  provider(more).parse({ subscription: { endpoint, keys: receiverKeys } }, identity);

/** Endpoints that a hostile client may register. */
const schemes: readonly string[] = [
  ...["http:", "ftp:", "file:", "ws:", "wss:", "data:", "javascript:", "blob:https:"].map((scheme) =>
    good.replace("https:", scheme),
  ),
  ...["", "/fcm/send/abc", "//fcm.googleapis.com/x", "fcm.googleapis.com/x", "https:fcm.googleapis.com/x", "https:/x"],
  "HTTPS://fcm.googleapis.com/x",
];

const hosts: readonly string[] = [
  // This machine and private networks, in each notation that a parser may accept as an address.
  ...["127.0.0.1", "127.1", "0x7f.0.0.1", "0x7f000001", "2130706433", "017700000001", "0177.0.0.1", "0", "0.0.0.0"],
  ...["localhost", "localhost.", "a.localhost", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254"],
  ...["100.64.0.1", "100.100.100.200", "169.254.169.254.nip.io", "127.0.0.1.fcm.googleapis.com.evil.example"],
  ...["[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]", "[fe80::1]", "[fd00:ec2::254]"],
  ...["[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[fe80::1%25eth0]", "metadata.google.internal", "142.250.1.95"],
  // Similar to a push service's name.
  ...["fcm.googleapis.com.", "fcm.googleapis.com.evil.example", "evilfcm.googleapis.com", "googleapis.com"],
  ...["xfcm.googleapis.com", "push.services.mozilla.com", "notify.windows.com", "evilnotify.windows.com"],
  ...["notify.windows.com.evil.example", "push.apple.com.evil.example", "fcm\u3002googleapis.com"],
  ...["fcm.googleapis.com%00.evil.example", "evil.example?.push.apple.com", "evil.example#.push.apple.com"],
  "evil.example\\.push.apple.com",
];

const twisted: readonly string[] = [
  // A user's name in it, another port, a fragment.
  "https://user@fcm.googleapis.com/x",
  "https://user:secret@fcm.googleapis.com/x",
  "https://@fcm.googleapis.com/x",
  "https://:@fcm.googleapis.com/x",
  "https://fcm.googleapis.com@127.0.0.1/x",
  "https://127.0.0.1\\@fcm.googleapis.com/x",
  "https://fcm.googleapis.com:80/x",
  "https://fcm.googleapis.com:444/x",
  "https://fcm.googleapis.com:8443/x",
  "https://fcm.googleapis.com:65536/x",
  "https://fcm.googleapis.com/x#",
  "https://fcm.googleapis.com/x#y",
  // URLs that two parsers may read differently.
  " https://fcm.googleapis.com/x",
  "https://fcm.googleapis.com/x ",
  "https://fcm.goog\tleapis.com/x",
  "https://fcm.googleapis.com/\r\nHost: evil.example",
  "https:\\\\fcm.googleapis.com/x",
  "https://ｆcm.googleapis.com/x",
  "https:///fcm.googleapis.com:80/x",
  `${good}${"a".repeat(2_049 - good.length)}`,
];

const hostile: readonly string[] = [...schemes, ...hosts.map((host) => `https://${host}/x`), ...twisted];

describe("endpoints", () => {
  for (const endpoint of hostile)
    test(`U17: ${JSON.stringify(endpoint.slice(0, 80))} is refused, and nothing is sent to it if it was stored before`, async () => {
      expect(parse(endpoint)).toBeNull();
      const { type } = await send(provider(), noticeTo(stored(endpoint)));
      expect(["dead", "failed"]).toContain(type);
      expect([inside.connections(), outside.connections()]).toEqual([0, 0]);
    });

  test("U17: the push services of the browsers are accepted, on 443, in up to 2048 characters", async () => {
    const hosts = ["updates.push.services.mozilla.com", "web.push.apple.com", "wns2-by3p.notify.windows.com"];
    for (const host of [...hosts, "fcm.googleapis.com", "jmt17.google.com", "FCM.googleapis.com"])
      expect(JSON.parse(parse(`https://${host}/a/b?c=%2f`)?.token ?? "")).toMatchObject({
        endpoint: `https://${host.toLowerCase()}/a/b?c=%2f`,
      });
    expect(parse("https://fcm.googleapis.com:443/x")?.token).toContain("https://fcm.googleapis.com/x");
    expect(parse(`${good}${"a".repeat(2_048 - good.length)}`)).not.toBeNull();
    expect(await send(provider(), noticeTo(stored(good)))).toMatchObject({ type: "sent" });
    expect(outside.connections()).toBe(1);
  });

  test("U17: a host may name its own push services, in addition to these or in their place", async () => {
    const own = "https://push.example/x";
    expect(parse(own)).toBeNull();
    expect(parse(own, { services: ["push.example"] })).not.toBeNull();
    expect(parse(good, { services: ["push.example"] })).toBeNull();
    expect(parse(good, { services: ["push.example", ...pushServices] })).not.toBeNull();
    expect(parse("https://a.b.push.example/x", { services: ["*.push.example"] })).not.toBeNull();
    expect(parse(own, { services: ["*.push.example"] })).toBeNull();
    expect(parse("https://anything.example/x", { services: [] })).toBeNull();
    // Once it is removed from the list, no more is sent to registered subscriptions.
    expect(await send(provider(), noticeTo(stored(own)))).toEqual({
      type: "failed",
      answer: "not a known push service",
    });
    expect(inside.connections()).toBe(0);
  });
});

describe("addresses", () => {
  const refused = [
    ...[
      "127.0.0.1",
      "127.255.255.255",
      "0.0.0.0",
      "0.1.2.3",
      "10.0.0.1",
      "10.255.255.255",
      "172.16.0.1",
      "172.31.255.255",
    ],
    ...["192.168.0.1", "169.254.169.254", "100.64.0.1", "100.127.255.255", "192.0.0.170", "192.0.2.1", "198.18.0.1"],
    ...[
      "198.19.255.255",
      "198.51.100.7",
      "203.0.113.9",
      "224.0.0.1",
      "239.255.255.250",
      "240.0.0.1",
      "255.255.255.255",
    ],
    ...["192.88.99.1", "::", "::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:a00:1", "::127.0.0.1", "::7f00:1"],
    ...[
      "64:ff9b::7f00:1",
      "64:ff9b::10.0.0.1",
      "64:ff9b:1::1",
      "2002:7f00:1::",
      "2002:808:808::1",
      "2001::1",
      "2001:db8::1",
    ],
    ...[
      "3fff::1",
      "fc00::1",
      "fd00:ec2::254",
      "fe80::1",
      "fe80::1%eth0",
      "febf::1",
      "fec0::1",
      "ff02::1",
      "100::1",
      "5f00::1",
    ],
    ...["", "fcm.googleapis.com", "127.1", "0x7f.0.0.1", "2130706433", "1.2.3.4.5", "1.2.3", "01.2.3.4", "[2a00::1]"],
  ];
  for (const address of refused)
    test(`U17: ${address || "nothing"} is no address of the internet, also among others`, async () => {
      expect(isPublicAddress(address)).toBe(false);
      for (const addresses of [[address], ["142.250.1.95", address], [address, "2a00:1450:4001:81b::200a"]])
        expect(await send(provider({ resolve: () => Promise.resolve(addresses) }), noticeTo(stored(good)))).toEqual({
          type: "failed",
          answer: "the push service's name leads into a private network",
        });
      expect(outside.connections()).toBe(0);
    });

  for (const address of [
    ...["1.1.1.1", "142.250.1.95", "100.63.255.255", "100.128.0.0", "172.15.255.255", "172.32.0.0", "192.0.1.0"],
    ...["198.17.255.255", "198.20.0.0", "223.255.255.255", "2a00:1450:4001:81b::200a", "2606:4700::1111"],
    ...["::ffff:1.1.1.1", "64:ff9b::101:101", "2001:4860:4860::8888"],
  ])
    test(`U17: ${address} is one`, () => expect(isPublicAddress(address)).toBe(true));

  test("U17: a name is resolved again for each push, and not followed into a private network", async () => {
    const answers = [["142.250.1.95"], ["169.254.169.254"], ["142.250.1.95"]];
    const shared = provider({ resolve: () => Promise.resolve(answers.shift() ?? []) });
    const types = [];
    for (let at = 0; at < 4; at++) types.push((await send(shared, noticeTo(stored(good)))).type);
    expect(types).toEqual(["sent", "failed", "sent", "retry"]);
    expect(outside.connections()).toBeGreaterThan(0);
    expect(inside.connections()).toBe(0);
  });

  test("U17: a name that is not resolved is tried again later", async () => {
    const broken = provider({ resolve: () => Promise.reject(new Error("ENOTFOUND")) });
    expect(await send(broken, noticeTo(stored(good)))).toMatchObject({ type: "retry" });
    expect(outside.connections()).toBe(0);
  });

  test("U17: names are resolved as the system does it", async () => {
    const addresses = await resolveHost("localhost");
    expect(addresses.length).toBeGreaterThan(0);
    for (const address of addresses) expect(["127.0.0.1", "::1"]).toContain(address);
  });
});

describe("redirects", () => {
  const redirects = [301, 302, 303, 307, 308];
  for (const status of redirects)
    test(`U17: ${status} to the inside is not followed`, async () => {
      outside.fail({ status, headers: { Location: inside.url } });
      expect(await send(provider(), noticeTo(stored(good)))).toEqual({ type: "failed", answer: `HTTP ${status}` });
      expect([outside.connections(), inside.connections()]).toEqual([1, 0]);
    });

  test("U17: no answer contains the text of a server", async () => {
    outside.fail({ status: 400, body: "the inside's secret" }, { status: 500, body: "the inside's secret" });
    for (let at = 0; at < 2; at++)
      expect(JSON.stringify(await send(provider(), noticeTo(stored(good))))).not.toContain("secret");
  });

  test("U17: a network error is reported without the endpoint", async () => {
    const failing: Fetch = (url) => Promise.reject(new TypeError(`cannot reach ${url}`));
    expect(await send(provider({ fetch: failing }), noticeTo(stored(good)))).toEqual({
      type: "retry",
      answer: "no answer",
    });
  });
});

type WebPushModule = { readonly webPush: typeof webPush };

describe("planted faults", () => {
  const load = (bug: PlantName) =>
    plantedModule<WebPushModule>("push/provider/webpush.ts", plant(bug)).then(
      (module) => (more: Partial<WebPushOptions>) => module.webPush({ ...keys, subject, fetch, resolve, ...more }),
    );

  test("control: U17 a provider that follows redirects is noticed inside", async () => {
    const weak = await load("a web push follows redirects");
    outside.fail({ status: 302, headers: { Location: inside.url } });
    await send(weak({}), noticeTo(stored(good)));
    expect(inside.connections()).toBe(1);
  });

  test("control: U17 a provider that sends to any endpoint is noticed inside", async () => {
    const weak = await load("a web push goes to any host");
    await send(weak({}), noticeTo(stored("https://127.0.0.1/x")));
    expect(inside.connections()).toBe(1);
  });

  test("control: U17 a provider that checks only the first address is noticed", async () => {
    const weak = await load("only the first address of a host is looked at");
    const both = () => Promise.resolve(["142.250.1.95", "127.0.0.1"]);
    expect(await send(weak({ resolve: both }), noticeTo(stored(good)))).toMatchObject({ type: "sent" });
  });

  const endpoints: readonly (readonly [PlantName, string])[] = [
    ["a push endpoint may have any port", "https://fcm.googleapis.com:444/x"],
    ["a push endpoint may have a fragment", "https://fcm.googleapis.com/x#y"],
    ["a push endpoint may have any scheme", good.replace("https:", "http:")],
    ["a push endpoint's host ends like a push service's", "https://evilnotify.windows.com/x"],
  ];
  for (const [name, endpoint] of endpoints)
    test(`control: U17 the table notices that ${name}`, async () => {
      expect(hostile).toContain(endpoint);
      const weak = await load(name);
      expect(weak({}).parse({ endpoint, keys: receiverKeys }, identity)).not.toBeNull();
    });
});
