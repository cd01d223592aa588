import * as v from "valibot";
import { ChatError } from "../../error.ts";
import type { Identity } from "../../model.ts";
import type { PushNotice, PushProvider, PushResult } from "../provider.ts";
import { isRedirect, readAnswer, shortAnswer, type Answer } from "./answer.ts";
import { baseUrlOf } from "./base-url.ts";
import { systemFetch, type Fetch } from "./fetch.ts";
import { noticeData } from "./notice-data.ts";
import { retry, retryAfterMs } from "./retry-after.ts";

export type OneSignalOptions = {
  /** The app's id. */
  readonly appId: string;
  /** An API key of the app (not of the organisation). */
  readonly apiKey: string;
  /** Default: https://api.onesignal.com. */
  readonly baseUrl?: string;
  /**
   * The external id that the app passes to `OneSignal.login` for a user. It must differ between tenants: otherwise users of the same name get each other's notifications.
   * Default: the user's name; in any tenant but `default` after the tenant's name, as in `acme!alice`, which is never a user's name.
   */
  readonly externalIdOf?: (identity: Identity) => string;
  /** Default: the runtime's own. */
  readonly fetch?: Fetch;
};

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
/** The prefix of an address: all devices of a user, or one subscription. */
const external = "external:";
const subscription = "subscription:";
/** The longest that OneSignal keeps a message for a device that is away: four weeks. */
const ttlSecondsMax = 2_419_200;
/** For `data`, as OneSignal documents it. */
const dataBytesMax = 2_048;
/** For what the app gets, as APNs and FCM limit it. */
const payloadBytesMax = 4_096;

/**
 * OneSignal, with all of its channels. See docs/onesignal.md.
 *
 * A device registers itself (the id of its subscription), or its user (nothing, or the user's own external id): then OneSignal
 * notifies all of the user's subscriptions. The external id of another user is refused.
 *
 * A repeat is shown once: OneSignal remembers the notice's key for 30 days.
 *
 * @throws ChatError `config_invalid` at once on unusable options.
 *
 * @example
 * oneSignal({ appId: "8250eaf6-1a58-489e-b136-7c74a864b434", apiKey: process.env.ONESIGNAL_API_KEY ?? "" })
 */
export function oneSignal(options: OneSignalOptions): PushProvider {
  const { appId, apiKey, externalIdOf = nameOf, fetch = systemFetch } = options;
  // A UUID today. OneSignal may change its form; it is not the API key, and has no blanks.
  if (typeof appId !== "string" || !/^[A-Za-z0-9-]{1,64}$/.test(appId)) {
    throw new ChatError("config_invalid", "The id of the OneSignal app must be one, without blanks and line breaks");
  }
  if (typeof apiKey !== "string" || !/^[\x21-\x7e]{1,512}$/.test(apiKey)) {
    throw new ChatError("config_invalid", "The API key of OneSignal must be one, without blanks and line breaks");
  }
  const url = `${baseUrlOf(options.baseUrl ?? "https://api.onesignal.com", "The base URL of OneSignal")}/notifications`;
  const headers = { Authorization: `Key ${apiKey}`, "Content-Type": "application/json", Accept: "application/json" };

  return {
    name: "onesignal",
    expects: "nothing, the user's own external id as token, or the id of a subscription (a UUID) as token",
    parse({ token, ...rest }, identity) {
      if (Object.keys(rest).length > 0) return null;
      const externalId = externalIdOf(identity);
      if (token === undefined || token === externalId)
        return externalId === "" ? null : { token: external + externalId };
      return typeof token === "string" && uuid.test(token) ? { token: subscription + token.toLowerCase() } : null;
    },
    fits: (notice) => faultOf(contentOf(notice)) === null,
    async send(notice, { now, signal }) {
      const target = targetOf(notice.token);
      if (target === null) return { type: "failed", answer: "The address is none of OneSignal's" };
      const content = contentOf(notice);
      const fault = faultOf(content);
      if (fault !== null) return { type: "unfit", answer: fault };
      const body = JSON.stringify({ app_id: appId, ...target, ...content });
      const answer = await readAnswer(await fetch(url, { method: "POST", headers, body, redirect: "manual", signal }));
      const [, id = ""] = /:(.*)$/s.exec(notice.token) ?? [];
      const isUser = notice.token.startsWith(external);
      return resultOf(answer, { now: now(), hidden: [apiKey, id], isUser });
    },
  };
}

/** No tenant and no user contains `!`. */
const nameOf = ({ tenant, user }: Identity): string => (tenant === "default" ? user : `${tenant}!${user}`);

/** The only target of the request: OneSignal refuses two. */
function targetOf(token: string): Readonly<Record<string, unknown>> | null {
  const target_channel = "push";
  if (token.startsWith(external)) {
    return { target_channel, include_aliases: { external_id: [token.slice(external.length)] } };
  }
  if (token.startsWith(subscription)) {
    return { target_channel, include_subscription_ids: [token.slice(subscription.length)] };
  }
  return null;
}

type Content = ReturnType<typeof contentOf>;

type ShownContent = Extract<Content, { readonly contents: object }>;

/** The visible content, as the device gets it. */
function shownOf({ data, contents, headings, ios_sound, ios_category, ios_attachments }: ShownContent) {
  return { data, contents, headings, ios_sound, ios_category, ios_attachments };
}

/** https://documentation.onesignal.com/reference/push-notification */
function contentOf(notice: PushNotice) {
  const { kind, tag, key, badge, conversation } = notice;
  const title = notice.title.toWellFormed();
  const body = notice.body.toWellFormed();
  // Contents must not be empty: a notice of a title alone has it there.
  const shown = { contents: { en: body || title }, ...(body && title && { headings: { en: title } }), priority: 10 };
  const isShown = kind === "message" && notice.options.dataOnly !== true;
  return {
    ...(isShown
      ? { ...shown, ...fieldsOf(notice) }
      : { content_available: true, priority: kind === "message" ? 10 : 5 }),
    data: noticeData(notice),
    collapse_id: tag,
    idempotency_key: key,
    // Without it OneSignal takes three days.
    ttl: Math.min(ttlSecondsMax, Math.max(1, Math.floor(notice.ttlMs / 1000))),
    ios_badgeType: "SetTo",
    ios_badgeCount: badge,
    android_group: conversation,
    thread_id: conversation,
    web_push_topic: tag,
  };
}

/** The host's options, as OneSignal names them. */
function fieldsOf({ options }: PushNotice) {
  const { mutableContent, channel, sound, category, image } = options;
  // `nil` is no sound on iOS. On Android the channel decides, but for versions before 8.
  const soundName = sound === "none" ? "nil" : sound;
  return {
    ...(mutableContent === true && { mutable_content: true }),
    ...(channel !== undefined && { existing_android_channel_id: channel }),
    ...(soundName !== undefined && soundName !== "default" && { ios_sound: soundName, android_sound: soundName }),
    ...(category !== undefined && { ios_category: category }),
    ...(image !== undefined && { big_picture: image, ios_attachments: { image }, chrome_web_image: image }),
  };
}

/** Why OneSignal would refuse it because of the host's content. */
function faultOf(content: Content): string | null {
  const bytesOf = (value: unknown): number => new TextEncoder().encode(JSON.stringify(value)).length;
  const { data } = content;
  const dataBytes = bytesOf(data);
  if (dataBytes > dataBytesMax) return `too large: ${dataBytes} bytes of data, at most ${dataBytesMax}`;
  const bytes = bytesOf("contents" in content ? shownOf(content) : { data });
  return bytes > payloadBytesMax
    ? `too large: ${bytes} bytes of title, body and data, at most ${payloadBytesMax}`
    : null;
}

const created = v.object({ id: v.fallback(v.optional(v.string(), ""), ""), errors: v.optional(v.unknown()) });
const invalid = v.fallback(v.optional(v.unknown()), undefined);
const invalidTargets = v.object({
  invalid_aliases: invalid,
  invalid_external_user_ids: invalid,
  invalid_player_ids: invalid,
});

/** OneSignal's texts for a content that is too long; it documents no code for it. */
const unfitText = /too (?:large|long|big)|exceed|maximum|payload|\bbytes\b/i;

type AnswerContext = {
  readonly now: number;
  readonly hidden: readonly string[];
  /** The target was a user, not one subscription. */
  readonly isUser: boolean;
};

/**
 * The status 200 alone means nothing. With an id the message was sent to at least one subscription, and errors beside it concern the user's other
 * ones. Without an id it was sent to none.
 *
 * A subscription that is not subscribed is dead: the app registers it again when its user allows notifications again. A user without subscriptions is not dead: they
 * may allow them, or their app may log in at OneSignal, a moment later, and no app would register them again.
 */
function resultOf(answer: Answer, context: AnswerContext): PushResult {
  const { status } = answer;
  if (isRedirect(answer)) return { type: "failed", answer: `${status}: OneSignal redirects, which is not followed` };
  if (status === 401 || status === 403) return { type: "failed", answer: `${status}: the API key is refused` };
  const afterMs = retryAfterMs(answer.headers, context.now);
  if (status === 408 || status === 429 || status >= 500) return retry(String(status), afterMs);

  const { success, output } = v.safeParse(created, answer.json);
  // The outcome is unknown; a repeat with the same key gets the same answer.
  if (!success && status === 200) return retry("200 without JSON", afterMs);
  if (!success) return { type: status === 413 ? "unfit" : "failed", answer: String(status) };
  const { id, errors } = output;
  const texts = textsOf(errors);
  if (status === 200 && id !== "")
    return {
      type: "sent",
      answer: shortAnswer([id, ...(texts.length > 0 ? ["beside", ...texts] : [])].join(" "), context.hidden),
    };
  const said = shortAnswer([status, ...texts].join(" "), context.hidden);
  if (isNobody(errors)) return { type: context.isUser ? "failed" : "dead", answer: said };
  const isUnfit = status === 413 || (status === 400 && texts.some((text) => unfitText.test(text)));
  return { type: isUnfit ? "unfit" : "failed", answer: said };
}

/** Whether the target is unknown, or has unsubscribed. */
function isNobody(errors: unknown): boolean {
  const { success, output } = v.safeParse(invalidTargets, errors);
  if (success && Object.values(output).some((value) => textsOf(value).length > 0)) return true;
  return textsOf(errors).some((text) => /players are not subscribed/i.test(text));
}

/** Deeper than any answer. */
const errorDepthMax = 4;

/** Errors are texts, or lists and objects of texts: returns the texts, each with the name of its field. */
function textsOf(errors: unknown, depth = 0): readonly string[] {
  if (depth > errorDepthMax || errors === null || errors === undefined || errors === "") return [];
  if (typeof errors === "string" || typeof errors === "number") return [String(errors)];
  if (Array.isArray(errors)) return errors.flatMap((error) => textsOf(error, depth + 1));
  return Object.entries(errors).flatMap(([name, value]) => {
    const texts = textsOf(value, depth + 1);
    return texts.length === 0 ? [] : [`${name}: ${texts.join(", ")}`];
  });
}
