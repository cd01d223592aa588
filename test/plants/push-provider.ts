import type { Plants } from "./plant.ts";

export const pushProvider = {
  "the info of a web push key lacks its zero byte": {
    rule: "U16",
    file: "push/provider/encrypt.ts",
    from: "WebPush: info\\0",
    to: "WebPush: info",
  },
  "the info of a web push key has its parts in another order": {
    rule: "U16",
    file: "push/provider/encrypt.ts",
    from: "p256dh, sender)",
    to: "sender, p256dh)",
  },
  "the only record of a web push is not said to be the last one": {
    rule: "U16",
    file: "push/provider/encrypt.ts",
    from: "new Uint8Array([2])",
    to: "new Uint8Array([1])",
  },
  "errors beside an id are taken for an end": {
    rule: "U23",
    file: "push/provider/onesignal.ts",
    from: 'if (status === 200 && id !== "")',
    to: 'if (status === 200 && id !== "" && texts.length === 0)',
  },
  "a push endpoint may have any port": {
    rule: "U17",
    file: "push/provider/subscription.ts",
    from: 'url.port === ""',
    to: "true",
  },
  "a push endpoint may have a fragment": {
    rule: "U17",
    file: "push/provider/subscription.ts",
    from: "/[#\\\\]/.test(value)",
    to: "false",
  },
  "a push endpoint may have any scheme": {
    rule: "U17",
    file: "push/provider/subscription.ts",
    from: "^https:",
    to: "^[a-z]+:",
  },
  "a push endpoint's host ends like a push service's": {
    rule: "U17",
    file: "push/provider/subscription.ts",
    from: "host.endsWith(domain)",
    to: "host.endsWith(domain.slice(1))",
  },
  "the VAPID keys are no pair": {
    rule: "U20",
    file: "push/provider/vapid-keys.ts",
    from: "privateKey: d",
    to: "privateKey: base64url.encode(new Uint8Array(32).fill(1))",
  },
  "a VAPID token lives longer than a day": {
    rule: "U16",
    file: "push/provider/vapid.ts",
    from: "tokenMs = 12 *",
    to: "tokenMs = 25 *",
  },
  "a VAPID token names another audience": {
    rule: "U16",
    file: "push/provider/vapid.ts",
    from: "aud: origin",
    to: 'aud: "https://push.example"',
  },
  "a VAPID token names no subject": {
    rule: "U16",
    file: "push/provider/vapid.ts",
    from: ", sub: subject",
    to: "",
  },
  "a web push names another scheme than vapid": {
    rule: "U16",
    file: "push/provider/vapid.ts",
    from: "vapid t=",
    to: "WebPush t=",
  },
  "a webhook signs its parts in another order": {
    rule: "U18",
    file: "push/provider/webhook.ts",
    from: "${notice.key}.${timestamp}.${body}",
    to: "${timestamp}.${notice.key}.${body}",
  },
  "a webhook does not sign the key": {
    rule: "U18",
    file: "push/provider/webhook.ts",
    from: "${notice.key}.${timestamp}.${body}",
    to: "${timestamp}.${body}",
  },
  "a webhook writes its signature with an equals sign": {
    rule: "U18",
    file: "push/provider/webhook.ts",
    from: "v1,${btoa",
    to: "v1=${btoa",
  },
  "a webhook signs with a part of the secret": {
    rule: "U18",
    file: "push/provider/webhook.ts",
    from: "importSecret)",
    to: "(one) => importSecret(one.slice(1)))",
  },
  "a webhook tells its time in milliseconds": {
    rule: "U18",
    file: "push/provider/webhook.ts",
    from: "now() / 1000",
    to: "now()",
  },
  "a webhook does not say that it posts JSON": {
    rule: "U18",
    file: "push/provider/webhook.ts",
    from: '"application/json"',
    to: '"text/plain"',
  },
  "a webhook follows redirects": {
    rule: "U18",
    file: "push/provider/webhook.ts",
    from: ', redirect: "manual"',
    to: "",
  },
  "an error of a webhook tells its address": {
    rule: "X5",
    file: "push/provider/webhook.ts",
    from: "const response = await fetch(url, init).catch(() => null);",
    to: `const response = await fetch(url, init).catch((cause) => {
        throw new Error("no answer from " + url, { cause });
      });`,
  },
  "a web push follows redirects": {
    rule: "U17",
    file: "push/provider/webpush.ts",
    from: 'redirect: "manual"',
    to: 'redirect: "follow"',
  },
  "a web push goes to any host": {
    rule: "U17",
    file: "push/provider/webpush.ts",
    from: "!isService(endpoint.hostname)",
    to: "false",
  },
  "only the first address of a host is looked at": {
    rule: "U17",
    file: "push/provider/webpush.ts",
    from: "addresses.every(",
    to: "addresses.slice(0, 1).every(",
  },
  "the topic of a web push is not its tag": {
    rule: "U16",
    file: "push/provider/webpush.ts",
    from: "Topic: notice.tag",
    to: "Topic: notice.key",
  },
  "a web push names an old content encoding": {
    rule: "U16",
    file: "push/provider/webpush.ts",
    from: '"aes128gcm"',
    to: '"aesgcm"',
  },
  "a web push says nothing of redirects": {
    rule: "U16",
    file: "push/provider/webpush.ts",
    from: 'redirect: "manual", ',
    to: "",
  },
} satisfies Plants;
