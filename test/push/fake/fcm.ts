import { errors, exportPKCS8, generateKeyPair, jwtVerify } from "jose";
import * as v from "valibot";
import { createDisplay, type Display } from "./display.ts";
import { openEndpoint, type Asked, type EndpointAnswer } from "./endpoint.ts";

const googleError = (code: number, status: string, message: string, ...details: object[]) => ({
  error: { code, message, status, details },
});
const fcmError = (errorCode: string) => ({
  "@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError",
  errorCode,
});

const apnsError = (statusCode: number, reason: string) =>
  googleError(400, "INVALID_ARGUMENT", "Request contains an invalid argument.", fcmError("INVALID_ARGUMENT"), {
    ...{ "@type": "type.googleapis.com/google.firebase.fcm.v1.ApnsError", statusCode, reason },
  });

/** Each error as FCM documents or answers it. */
export const fcmFaults = {
  unregistered: {
    status: 404,
    body: googleError(404, "NOT_FOUND", "Requested entity was not found.", fcmError("UNREGISTERED")),
  },
  mismatch: {
    status: 403,
    body: googleError(403, "PERMISSION_DENIED", "SenderId mismatch", fcmError("SENDER_ID_MISMATCH")),
  },
  notAllowed: {
    status: 403,
    body: googleError(403, "PERMISSION_DENIED", "Permission 'cloudmessaging.messages.create' denied on resource"),
  },
  badRequest: {
    status: 400,
    body: googleError(400, "INVALID_ARGUMENT", "Invalid value at 'message.data[0].value' (TYPE_STRING), 12", {
      "@type": "type.googleapis.com/google.rpc.BadRequest",
      fieldViolations: [
        { field: "message.data[0].value", description: "Invalid value at 'message.data[0].value' (TYPE_STRING), 12" },
      ],
    }),
  },
  badToken: {
    status: 400,
    body: googleError(
      400,
      "INVALID_ARGUMENT",
      "The registration token is not a valid FCM registration token",
      fcmError("INVALID_ARGUMENT"),
    ),
  },
  badMessage: {
    status: 400,
    body: googleError(400, "INVALID_ARGUMENT", "Message is too big", fcmError("INVALID_ARGUMENT")),
  },
  /** As observed for a payload that is too large: without a reason. */
  badBare: { status: 400, body: googleError(400, "INVALID_ARGUMENT", "Request contains an invalid argument.") },
  tooLarge: { status: 413, body: "<html><title>Error 413 (Request Entity Too Large)!!1</title></html>" },
  tooLargeForApns: {
    status: 400,
    body: googleError(400, "INVALID_ARGUMENT", "Request contains an invalid argument.", fcmError("INVALID_ARGUMENT"), {
      "@type": "type.googleapis.com/google.firebase.fcm.v1.ApnsError",
      statusCode: 413,
      reason: "PayloadTooLarge",
    }),
  },
  /** APNs said it, and FCM repeats it. */
  apnsUnregistered: { status: 400, body: apnsError(410, "Unregistered") },
  apnsBadToken: { status: 400, body: apnsError(400, "BadDeviceToken") },
  apnsOtherTopic: { status: 400, body: apnsError(400, "DeviceTokenNotForTopic") },
  /** The token, and another invalid field. */
  badTokenFieldToo: {
    status: 400,
    body: googleError(400, "INVALID_ARGUMENT", "Request contains an invalid argument.", fcmError("INVALID_ARGUMENT"), {
      "@type": "type.googleapis.com/google.rpc.BadRequest",
      fieldViolations: [{ field: "message.android.ttl" }, { field: "message.token" }],
    }),
  },
  /** As observed: the token is named as an invalid field. */
  badTokenField: {
    status: 400,
    body: googleError(400, "INVALID_ARGUMENT", "Request contains an invalid argument.", fcmError("INVALID_ARGUMENT"), {
      "@type": "type.googleapis.com/google.rpc.BadRequest",
      fieldViolations: [{ field: "message.token", description: "Invalid registration token" }],
    }),
  },
  quota: {
    status: 429,
    headers: { "Retry-After": "7" },
    body: googleError(429, "RESOURCE_EXHAUSTED", "Quota exceeded.", fcmError("QUOTA_EXCEEDED"), {
      "@type": "type.googleapis.com/google.rpc.QuotaFailure",
      violations: [{ subject: "device", description: "Device message rate exceeded" }],
    }),
  },
  /** As seen: without FCM's own detail, and without Retry-After. */
  quotaOfProject: {
    status: 429,
    body: googleError(429, "RESOURCE_EXHAUSTED", "Quota exceeded for quota metric 'Send requests'", {
      "@type": "type.googleapis.com/google.rpc.ErrorInfo",
      reason: "RATE_LIMIT_EXCEEDED",
      domain: "googleapis.com",
      metadata: { quota_limit: "SendsPerMinutePerProject" },
    }),
  },
  unavailable: {
    status: 503,
    headers: { "Retry-After": "Sat, 06 Jun 2026 12:01:30 GMT" },
    body: googleError(503, "UNAVAILABLE", "The service is currently unavailable.", fcmError("UNAVAILABLE")),
  },
  internal: { status: 500, body: googleError(500, "INTERNAL", "Internal error encountered.", fcmError("INTERNAL")) },
  thirdParty: {
    status: 401,
    body: googleError(
      401,
      "UNAUTHENTICATED",
      "Request is missing required authentication credential. Expected OAuth 2 access token",
      fcmError("THIRD_PARTY_AUTH_ERROR"),
      {
        "@type": "type.googleapis.com/google.firebase.fcm.v1.ApnsError",
        statusCode: 403,
        reason: "InvalidProviderToken",
      },
    ),
  },
  unauthenticated: {
    status: 401,
    body: googleError(401, "UNAUTHENTICATED", "Request had invalid authentication credentials.", {
      "@type": "type.googleapis.com/google.rpc.ErrorInfo",
      reason: "ACCESS_TOKEN_EXPIRED",
    }),
  },
  /** Of a proxy, or of another service. */
  strange404: { status: 404, body: "<html><title>Error 404 (Not Found)!!1</title></html>" },
  strange502: { status: 502, body: "<html><h1>Bad Gateway</h1></html>" },
  strange200: { status: 200, body: "<html>Welcome to our hotel</html>" },
  redirect: { status: 302, headers: { Location: "/elsewhere" }, body: "" },
} as const satisfies Record<string, Exclude<EndpointAnswer, string>>;

/** `lost`: the message is accepted, and the answer is lost. */
export type FcmFault = keyof typeof fcmFaults | "ok" | "lost" | "hang";
export type TokenFault = "ok" | "refused" | "down" | "strange" | "redirect" | "hang" | "lost" | "brief";

export type FakeFcm = {
  readonly url: string;
  readonly display: Display;
  /** The rules of Google that requests have broken. */
  readonly violations: string[];
  /** Requests for access tokens, and to send, so far. */
  readonly count: { tokens: number; sends: number };
  /** Called for each request to send: returns a fault, or its own answer. */
  decide: (sent: {
    readonly nth: number;
    readonly token: string;
    readonly data: Readonly<Record<string, string>>;
    /** The whole request. */
    readonly message: object;
  }) => FcmFault | Exclude<EndpointAnswer, string>;
  /** Called for each request for an access token. */
  decideToken: (nth: number) => TokenFault;
  /** As the console exports it. */
  serviceAccount(changes?: object): Record<string, unknown>;
  /** Makes all access tokens invalid. */
  revoke(): void;
  /** The texts that no answer may contain. */
  secrets(): readonly string[];
  close(): Promise<void>;
};

const scope = "https://www.googleapis.com/auth/firebase.messaging";
const email = "chat@demo-tidings.iam.gserviceaccount.com";
const projectId = "demo-tidings";
const keyId = "0f3c9a51d2b64e7f8a90b1c2d3e4f5a6b7c8d9e0";

/** One for all: they take long to make. */
let madePair: ReturnType<typeof makePair> | undefined;
async function makePair() {
  const { privateKey, publicKey } = await generateKeyPair("RS256", { extractable: true });
  return { publicKey, pem: await exportPKCS8(privateKey) };
}

/** FCM HTTP v1 and Google's token endpoint, as strict as their documentation is. */
export async function openFcm(options: {
  readonly now: () => number;
  /** How long a request may take, on a busy machine; default: 2 s. */
  readonly onItsWayMsMax?: number;
}): Promise<FakeFcm> {
  const { publicKey, pem } = await (madePair ??= makePair());
  const { now, onItsWayMsMax = 2_000 } = options;
  const display = createDisplay();
  /** When each access token expires. */
  const tokens = new Map<string, number>();
  const givenOut = new Set<string>();

  const break_ = (rule: string): EndpointAnswer => {
    fake.violations.push(rule);
    return { status: 400, body: fcmFaults.badRequest.body };
  };

  async function answerToken({ method, headers, body }: Asked): Promise<EndpointAnswer> {
    fake.count.tokens += 1;
    const fault = fake.decideToken(fake.count.tokens);
    if (method !== "POST") return break_(`token: ${method}`);
    if (headers.get("content-type") !== "application/x-www-form-urlencoded") return break_("token: no form");
    const form = new URLSearchParams(body);
    if ([...form.keys()].sort().join() !== "assertion,grant_type")
      return break_(`token: fields ${[...form.keys()].join()}`);
    if (form.get("grant_type") !== "urn:ietf:params:oauth:grant-type:jwt-bearer") return break_("token: grant_type");
    const wrong = await faultOfAssertion(form.get("assertion") ?? "");
    if (wrong !== null) {
      fake.violations.push(`token: ${wrong}`);
      return { status: 400, body: { error: "invalid_grant", error_description: `Invalid JWT: ${wrong}` } };
    }
    if (fault === "refused")
      return {
        status: 400,
        body: { error: "invalid_grant", error_description: `Invalid grant: account ${email} not found` },
      };
    if (fault === "down") return { status: 503, headers: { "Retry-After": "3" }, body: "<html>503</html>" };
    if (fault === "strange") return { status: 200, body: { access_token: "two\r\nlines", expires_in: 3599 } };
    if (fault === "redirect") return { status: 307, headers: { Location: "/elsewhere" }, body: "" };
    if (fault === "hang" || fault === "lost") return fault;
    const token = `ya29.c.${crypto.randomUUID()}`;
    const expires_in = fault === "brief" ? 30 : 3_599;
    tokens.set(token, now() + expires_in * 1000);
    givenOut.add(token);
    return { status: 200, body: { access_token: token, expires_in, token_type: "Bearer" } };
  }

  async function faultOfAssertion(assertion: string): Promise<string | null> {
    try {
      const { payload, protectedHeader } = await jwtVerify(assertion, publicKey, {
        algorithms: ["RS256"],
        issuer: email,
        audience: `${fake.url}/token`,
        currentDate: new Date(now()),
        requiredClaims: ["iss", "aud", "iat", "exp", "scope"],
      });
      const { iat = NaN, exp = NaN } = payload;
      if (protectedHeader.kid !== keyId) return `kid ${protectedHeader.kid}`;
      if (protectedHeader.typ !== "JWT") return `typ ${protectedHeader.typ}`;
      if (payload["scope"] !== scope) return `scope ${String(payload["scope"])}`;
      if (!(exp <= iat + 3_600)) return `exp is ${exp - iat} s after iat`;
      if (!(Math.abs(iat - now() / 1000) <= 30)) return `iat is ${iat - now() / 1000} s off`;
      const others = Object.keys(payload).filter((name) => !["iss", "aud", "iat", "exp", "scope"].includes(name));
      return others.length > 0 ? `claims ${others.join()}` : null;
    } catch (error) {
      if (error instanceof errors.JOSEError) return `${error.code} ${error.message}`;
      throw error;
    }
  }

  function answerSend({ method, headers, body }: Asked): EndpointAnswer {
    fake.count.sends += 1;
    const [, bearer = ""] = /^Bearer (.+)$/.exec(headers.get("authorization") ?? "") ?? [];
    if (method !== "POST") return break_(`send: ${method}`);
    if (headers.get("content-type") !== "application/json") return break_("send: no JSON");
    if (bearer === "" || !givenOut.has(bearer)) {
      fake.violations.push("send: a token that was never given out");
      return fcmFaults.unauthenticated;
    }
    const parsed = v.safeParse(request, JSON.parse(body));
    if (!parsed.success) return break_(`send: ${v.summarize(parsed.issues)}`);
    const { message } = parsed.output;
    const wrong = faultOfMessage(message, now(), onItsWayMsMax);
    if (wrong !== null) return break_(`send: ${wrong}`);
    if ((tokens.get(bearer) ?? 0) <= now()) return fcmFaults.unauthenticated;

    const fault = fake.decide({ nth: fake.count.sends, token: message.token, data: message.data, message });
    if (fault === "hang" || typeof fault === "object") return fault;
    if (fault !== "ok" && fault !== "lost") return fcmFaults[fault];
    present(message);
    if (fault === "lost") return fault;
    return {
      status: 200,
      body: { name: `projects/${projectId}/messages/0:${1_780_000_000 + fake.count.sends}%31bd1c96` },
    };
  }

  /** The device: the system shows a message with a notification, the app clears. */
  function present({ token, notification, data, apns }: Message): void {
    const { tag = "", seq = "", kind = "" } = data;
    const told = { tag, seq: Number(seq), badge: apns.payload.aps.badge };
    if (notification) display.show(token, { ...told, ...notification, data });
    else if (kind === "clear") display.clear(token, told);
  }

  const endpoint = await openEndpoint((asked) => {
    if (asked.path === "/token") return answerToken(asked);
    if (asked.path === `/v1/projects/${projectId}/messages:send`) return answerSend(asked);
    return break_(`${asked.method} ${asked.path}`);
  });

  const fake: FakeFcm = {
    url: endpoint.url,
    display,
    violations: [],
    count: { tokens: 0, sends: 0 },
    decide: () => "ok",
    decideToken: () => "ok",
    serviceAccount: (changes) => ({
      type: "service_account",
      project_id: projectId,
      private_key_id: keyId,
      private_key: pem,
      client_email: email,
      client_id: "103000000000000000000",
      auth_uri: "https://accounts.google.com/o/oauth2/auth",
      token_uri: `${endpoint.url}/token`,
      universe_domain: "googleapis.com",
      ...changes,
    }),
    revoke: () => tokens.clear(),
    secrets: () => [...givenOut, ...pem.split("\n").filter((line) => line !== "" && !line.startsWith("-----"))],
    close: () => endpoint.close(),
  };
  return fake;
}

const text = v.string();
/** `v.record` would leave names such as `constructor` out. */
const texts = v.custom<Record<string, string>>(
  (value) =>
    typeof value === "object" && value !== null && Object.values(value).every((one) => typeof one === "string"),
  "Every value of data must be a string",
);
const aps = v.strictObject({
  badge: v.pipe(v.number(), v.integer(), v.minValue(0)),
  sound: v.optional(text),
  "thread-id": v.optional(text),
  category: v.optional(text),
  "mutable-content": v.optional(v.literal(1)),
  "content-available": v.optional(v.literal(1)),
});
const request = v.strictObject({
  message: v.strictObject({
    token: v.pipe(text, v.nonEmpty()),
    notification: v.optional(v.strictObject({ title: text, body: text, image: v.optional(text) })),
    data: texts,
    android: v.strictObject({
      collapse_key: text,
      priority: v.picklist(["NORMAL", "HIGH"]),
      ttl: v.pipe(text, v.regex(/^\d+s$/)),
      notification: v.optional(v.strictObject({ tag: text, channel_id: v.optional(text), sound: v.optional(text) })),
    }),
    apns: v.strictObject({
      headers: v.strictObject({
        "apns-collapse-id": text,
        "apns-priority": v.picklist(["5", "10"]),
        "apns-expiration": v.pipe(text, v.regex(/^\d+$/)),
        "apns-push-type": v.picklist(["alert", "background"]),
      }),
      payload: v.strictObject({ aps }),
      fcm_options: v.optional(v.strictObject({ image: text })),
    }),
    webpush: v.strictObject({
      headers: v.strictObject({
        TTL: v.pipe(text, v.regex(/^\d+$/)),
        Topic: v.pipe(text, v.regex(/^[A-Za-z0-9_-]{1,32}$/)),
        Urgency: v.picklist(["very-low", "low", "normal", "high"]),
      }),
      notification: v.optional(
        v.strictObject({ tag: text, renotify: v.boolean(), silent: v.optional(v.boolean()), image: v.optional(text) }),
      ),
    }),
  }),
});
type Message = v.InferOutput<typeof request>["message"];

const bytesOf = (value: string): number => new TextEncoder().encode(value).length;
const reserved = /^(from$|message_type$|gcm$|gcm\.|google)/;

/** The rules of the documentation beyond the fields' types. */
function faultOfMessage(
  { notification, data, android, apns, webpush }: Message,
  nowMs: number,
  onItsWayMsMax: number,
): string | null {
  const parts = [...Object.entries(data), ...Object.entries(notification ?? {})]
    .flat()
    .filter((part) => part !== undefined);
  const bytes = parts.reduce((sum, part) => sum + bytesOf(part), 0);
  if (bytes > 4_096) return `${bytes} bytes`;
  const payload = bytesOf(JSON.stringify({ aps: { alert: notification, ...apns.payload.aps }, ...data }));
  if (payload > 4_096) return `${payload} bytes for APNs`;
  if (!parts.every((part) => part.isWellFormed())) return "text that is no UTF-8";
  const name = Object.keys(data).find((key) => reserved.test(key));
  if (name !== undefined) return `data key ${name}`;
  const seconds = Number(android.ttl.slice(0, -1));
  if (seconds > 2_419_200) return `ttl ${android.ttl}`;
  if (Math.abs(Number(apns.headers["apns-expiration"]) * 1000 - nowMs - seconds * 1000) > onItsWayMsMax)
    return "apns-expiration is not ttl";
  if (Number(webpush.headers.TTL) !== seconds) return "TTL is not ttl";
  const tags = [
    data["tag"],
    android.collapse_key,
    apns.headers["apns-collapse-id"],
    webpush.headers.Topic,
    ...(notification ? [android.notification?.tag, webpush.notification?.tag] : []),
  ];
  if (new Set(tags).size !== 1) return `several tags: ${tags.join()}`;
  if (bytesOf(apns.headers["apns-collapse-id"]) > 64) return "apns-collapse-id is too long";
  const { "apns-push-type": type, "apns-priority": priority } = apns.headers;
  const isSilent = apns.payload.aps["content-available"] === 1;
  if (notification !== undefined) {
    if (type !== "alert" || priority !== "10" || android.priority !== "HIGH")
      return "a notification that may come late";
    return isSilent ? "a notification with content-available" : null;
  }
  // Apple: a background notification has content-available, priority 5, and nothing to show.
  if (type !== "background" || priority !== "5" || !isSilent) return "a background message that APNs refuses";
  if (apns.payload.aps.sound !== undefined || android.notification || webpush.notification)
    return "a silent message that shows";
  return null;
}
