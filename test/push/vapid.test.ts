import { expect, test } from "bun:test";
import { join } from "node:path";
import { type VapidKeys, webPush } from "../../src/push/provider/webpush.ts";
import { startFakePushService } from "./fake/webpush.ts";
import { plant } from "../plants/index.ts";
import { plantedModule } from "./planted.ts";
import { noticeTo, send } from "./send.ts";

const cli = join(import.meta.dir, "../../src/cli.ts");

async function run(...args: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const child = Bun.spawn([process.execPath, cli, ...args], { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const [stdout, stderr, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  return { code, stdout, stderr };
}

/** The answer of a strict push service to a pair of keys. */
async function tryOut(keys: VapidKeys): Promise<readonly string[]> {
  const service = await startFakePushService();
  try {
    const resolve = () => Promise.resolve(["142.250.1.95"]);
    const provider = webPush({ ...keys, subject: "mailto:ops@shop.example", fetch: service.fetch, resolve });
    const subscription = service.subscribe(keys.publicKey);
    const address = provider.parse({ subscription }, { tenant: "acme", user: "alice" });
    const { type, answer } = await send(provider, noticeTo(address?.token ?? ""));
    return type === "sent" ? service.violations : [answer];
  } finally {
    await service.dispose();
  }
}

test("U20: tidings vapid prints a new pair of keys for the environment, and Web Push can send with them", async () => {
  const pairs: VapidKeys[] = [];
  for (let at = 0; at < 2; at++) {
    const { code, stdout, stderr } = await run("vapid");
    expect([code, stderr]).toEqual([0, ""]);
    const form = /^VAPID_PUBLIC_KEY=(?<publicKey>[\w-]{87})\nVAPID_PRIVATE_KEY=(?<privateKey>[\w-]{43})\n$/;
    const { publicKey = "", privateKey = "" } = form.exec(stdout)?.groups ?? {};
    pairs.push({ publicKey, privateKey });
    expect(await tryOut({ publicKey, privateKey })).toEqual([]);
  }
  expect(pairs[0]?.publicKey).not.toBe(pairs[1]?.publicKey ?? "");
  expect(pairs[0]?.privateKey).not.toBe(pairs[1]?.privateKey ?? "");
});

test("U20: it refuses arguments, because it writes no file", async () => {
  const { code, stdout, stderr } = await run("vapid", "--output=.env");
  expect([code, stdout]).toEqual([1, ""]);
  expect(stderr).toContain("--output");
});

test("control: U20 keys that are no pair are noticed", async () => {
  type Keys = { readonly generateVapidKeys: () => Promise<VapidKeys> };
  const weak = await plantedModule<Keys>("push/provider/vapid-keys.ts", plant("the VAPID keys are no pair"));
  expect(await tryOut(await weak.generateVapidKeys())).toEqual(["The VAPID keys are no pair"]);
});
