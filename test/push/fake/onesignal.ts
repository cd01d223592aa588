import * as v from "valibot";
import { createDisplay, type Display } from "./display.ts";
import { openEndpoint, type Asked, type EndpointAnswer } from "./endpoint.ts";

const messageId = "b15ba6e5-2223-49d6-9eda-684b9051f5a8";

/** Each error as OneSignal documents or answers it; `$` is the target. */
const oneSignalFaults = {
  unsubscribed: { status: 200, body: { id: "", recipients: 0, errors: ["All included players are not subscribed"] } },
  unsubscribed400: { status: 400, body: { errors: ["All included players are not subscribed"] } },
  invalidPlayer: { status: 200, body: { id: "", errors: { invalid_player_ids: ["$"] } } },
  /** Each of the user's subscriptions has the user's alias as target. */
  invalidAlias: { status: 200, body: { id: "", errors: { invalid_aliases: { external_id: ["$", "$"] } } } },
  /** With an id it was sent to at least one subscription, and the errors concern others. */
  partialAlias: {
    status: 200,
    body: { id: messageId, external_id: null, errors: { invalid_aliases: { external_id: ["$", "$"] } } },
  },
  partialPlayer: { status: 200, body: { id: messageId, errors: { invalid_player_ids: ["$"] } } },
  partialTexts: { status: 200, body: { id: messageId, errors: ["Some of $ are not subscribed"] } },
  partialOdd: { status: 200, body: { id: messageId, errors: [{}] } },
  partialWarnings: {
    status: 200,
    body: { id: messageId, recipients: 0, warnings: ["You must configure iOS notifications to reach iOS"] },
  },
  otherErrors: { status: 200, body: { id: "", errors: ["Sending is paused for $"] } },
  emptyId: { status: 200, body: { id: "" } },
  emptyErrors: { status: 200, body: { id: "", errors: {} } },
  tooLarge: { status: 413, body: "<html>413 Request Entity Too Large</html>" },
  tooLarge400: { status: 400, body: { errors: ["Data is too large. It must be no more than 2048 bytes"] } },
  noErrors: { status: 200, body: { id: messageId, external_id: null, errors: {} } },
  badRequest: { status: 400, body: { errors: ["Incorrect subscription_id format in include_subscription_ids: $"] } },
  unauthorized: { status: 401, body: { errors: ["Access denied.  Please include an 'Authorization: ...' header"] } },
  forbidden: { status: 403, body: { errors: ["Access denied.  Please include an 'Authorization: ...' header"] } },
  limited: {
    status: 429,
    headers: { "Retry-After": "7" },
    body: { errors: ["API rate limit exceeded"], limit: "requests per second" },
  },
  down: { status: 503, headers: { "Retry-After": "Sat, 06 Jun 2026 12:01:30 GMT" }, body: "<html>503</html>" },
  broken: { status: 500, body: { errors: ["Internal server error"] } },
  strange200: { status: 200, body: "<html>Welcome to our hotel</html>" },
  redirect: { status: 302, headers: { Location: "/elsewhere" }, body: "" },
} as const satisfies Record<string, Exclude<EndpointAnswer, string>>;

/** `lost`: the message is accepted, and the answer is lost. */
export type OneSignalFault = keyof typeof oneSignalFaults | "ok" | "lost" | "hang";

export type OneSignalSent = {
  readonly nth: number;
  readonly target: string;
  readonly key: string;
  readonly data: Readonly<Record<string, string>>;
  /** The whole request. */
  readonly message: object;
};

export type FakeOneSignal = {
  readonly url: string;
  readonly appId: string;
  readonly apiKey: string;
  /** By `external:…` and `subscription:…`. */
  readonly display: Display;
  /** The rules of OneSignal that requests have broken. */
  readonly violations: string[];
  /** Requests so far. */
  readonly count: { sends: number };
  /** Called for each request with a new key: returns a fault, or its own answer. */
  decide: (sent: OneSignalSent) => OneSignalFault | Exclude<EndpointAnswer, string>;
  /** Called for each request with a known key: it gets the first answer again. */
  onReplay: (sent: OneSignalSent) => void;
  close(): Promise<void>;
};

/** OneSignal's message API, as strict as its documentation is. */
export async function openOneSignal(): Promise<FakeOneSignal> {
  const display = createDisplay();
  const appId = "8250eaf6-1a58-489e-b136-7c74a864b434";
  const apiKey = `os_v2_app_${crypto.randomUUID().replaceAll("-", "")}`;
  /** The first answer by key: a repeat gets it again, and nothing is shown again. */
  const answered = new Map<string, { readonly told: EndpointAnswer; readonly target: string; readonly tag: string }>();

  const break_ = (rule: string): EndpointAnswer => {
    fake.violations.push(rule);
    return { status: 400, body: { errors: [rule] } };
  };

  function answerTo({ method, path, headers, body }: Asked): EndpointAnswer {
    if (method !== "POST" || path !== "/notifications") return break_(`${method} ${path}`);
    fake.count.sends += 1;
    const authorization = headers.get("authorization") ?? "";
    if (!authorization.startsWith("Key ")) return break_(`Authorization: ${authorization.split(" ")[0]}`);
    if (authorization !== `Key ${apiKey}`) return oneSignalFaults.forbidden;
    if (headers.get("content-type") !== "application/json") return break_("app_id not found. No JSON");
    const parsed = v.safeParse(request, JSON.parse(body));
    if (!parsed.success) return break_(v.summarize(parsed.issues));
    const message = parsed.output;
    const wrong = message.app_id === appId ? faultOfMessage(message) : "app_id";
    if (wrong !== null) return break_(wrong);

    const [target = ""] = targetsOf(message);
    const sent = { nth: fake.count.sends, target, key: message.idempotency_key, data: message.data, message };
    const first = answered.get(message.idempotency_key);
    if (first) {
      if (first.target !== target || first.tag !== message.collapse_id) return break_("one key for two messages");
      fake.onReplay(sent);
      return first.told;
    }
    const fault = fake.decide(sent);
    if (fault === "hang" || typeof fault === "object") return fault;
    const said = fault === "ok" || fault === "lost" ? null : faultAnswer(fault, target);
    // A message with an id was created: it is sent to the valid targets, and its key is kept.
    if (said !== null && !hasId(said.body)) return said;
    present(target, message);
    const told: EndpointAnswer = said ?? { status: 200, body: { id: crypto.randomUUID(), external_id: null } };
    answered.set(message.idempotency_key, { told, target, tag: message.collapse_id });
    return fault === "lost" ? fault : told;
  }

  function present(
    device: string,
    { contents, headings, data, collapse_id: tag, ios_badgeCount: badge }: Message,
  ): void {
    const told = { tag, seq: Number(data["seq"]), badge };
    // Without a heading, the title is the name of the app.
    if (contents) display.show(device, { ...told, title: headings?.en ?? "", body: contents.en, data });
    else if (data["kind"] === "clear") display.clear(device, told);
  }

  const endpoint = await openEndpoint(answerTo);
  const fake: FakeOneSignal = {
    url: endpoint.url,
    appId,
    apiKey,
    display,
    violations: [],
    count: { sends: 0 },
    decide: () => "ok",
    onReplay: () => {},
    close: () => endpoint.close(),
  };
  return fake;
}

const hasId = (body: unknown): boolean => v.is(v.object({ id: v.pipe(v.string(), v.nonEmpty()) }), body);

function faultAnswer(fault: keyof typeof oneSignalFaults, target: string): Exclude<EndpointAnswer, string> {
  const { status, headers, body: said } = { headers: {}, ...oneSignalFaults[fault] };
  const [, who = ""] = target.split(":");
  const body: unknown = typeof said === "string" ? said : JSON.parse(JSON.stringify(said).replaceAll("$", who));
  return { status, headers, body };
}

const texts = v.strictObject({ en: v.pipe(v.string(), v.nonEmpty()) });
const one = v.pipe(v.array(v.pipe(v.string(), v.nonEmpty(), v.maxLength(128))), v.length(1));
/** `v.record` would leave names such as `constructor` out. */
const dataTexts = v.custom<Record<string, string>>(
  (value) =>
    typeof value === "object" && value !== null && Object.values(value).every((text) => typeof text === "string"),
  "Every value of data must be a string",
);
const request = v.strictObject({
  app_id: v.string(),
  target_channel: v.literal("push"),
  include_aliases: v.optional(v.strictObject({ external_id: one })),
  include_subscription_ids: v.optional(one),
  included_segments: v.optional(v.array(v.string())),
  filters: v.optional(v.array(v.unknown())),
  contents: v.optional(texts),
  headings: v.optional(texts),
  content_available: v.optional(v.boolean()),
  data: dataTexts,
  collapse_id: v.pipe(v.string(), v.nonEmpty(), v.maxLength(64)),
  idempotency_key: v.pipe(v.string(), v.uuid()),
  ttl: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(2_419_200)),
  priority: v.picklist([5, 10]),
  ios_badgeType: v.picklist(["None", "SetTo", "Increase"]),
  ios_badgeCount: v.pipe(v.number(), v.integer(), v.minValue(0)),
  android_group: v.string(),
  thread_id: v.string(),
  mutable_content: v.optional(v.literal(true)),
  existing_android_channel_id: v.optional(v.string()),
  ios_sound: v.optional(v.string()),
  android_sound: v.optional(v.string()),
  ios_category: v.optional(v.string()),
  big_picture: v.optional(v.string()),
  ios_attachments: v.optional(v.record(v.string(), v.string())),
  chrome_web_image: v.optional(v.string()),
  web_push_topic: v.pipe(v.string(), v.maxLength(32)),
});
type Message = v.InferOutput<typeof request>;

const targetsOf = ({ include_aliases, include_subscription_ids }: Message): readonly string[] => [
  ...(include_aliases?.external_id ?? []).map((id) => `external:${id}`),
  ...(include_subscription_ids ?? []).map((id) => `subscription:${id}`),
];

const bytesOf = (value: unknown): number => new TextEncoder().encode(JSON.stringify(value)).length;

/** The rules of the documentation beyond the fields' types. */
function faultOfMessage(message: Message): string | null {
  const modes = [message.include_aliases, message.include_subscription_ids, message.included_segments, message.filters];
  const count = modes.filter((mode) => mode !== undefined).length;
  if (count !== 1) return `${count} targeting modes`;
  const [id] = message.include_subscription_ids ?? [];
  if (id !== undefined && !v.is(v.pipe(v.string(), v.uuid()), id)) return "include_subscription_ids: no UUID";
  if (message.content_available !== true && !message.contents) return "Message Notifications must have any contents";
  if (message.content_available === true && (message.contents || message.headings))
    return "a silent message that shows";
  const { data, contents, headings } = message;
  if (bytesOf(data) > 2_048) return `${bytesOf(data)} bytes of data`;
  if (bytesOf({ data, contents, headings }) > 4_096) return "too large";
  const all = [...Object.entries(data).flat(), contents?.en ?? "", headings?.en ?? ""];
  return all.every((part) => part.isWellFormed()) ? null : "text that is no UTF-8";
}
