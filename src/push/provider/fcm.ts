import * as v from "valibot";
import type { PushNotice, PushProvider, PushResult } from "../provider.ts";
import { createAccessTokens } from "./access-token.ts";
import { isRedirect, readAnswer, shortAnswer, type Answer } from "./answer.ts";
import { baseUrlOf } from "./base-url.ts";
import { systemFetch, type Fetch } from "./fetch.ts";
import { noticeData } from "./notice-data.ts";
import { retry, retryAfterMs } from "./retry-after.ts";
import { createRefusals } from "./refusals.ts";
import { readServiceAccount } from "./service-account.ts";

export type FcmOptions = {
  /** The JSON of a service account that may send (role "Firebase Cloud Messaging API Admin"), parsed or as text. */
  readonly serviceAccount: string | object;
  /** Default: https://fcm.googleapis.com. */
  readonly baseUrl?: string;
  /** Default: the runtime's `fetch`. */
  readonly fetch?: Fetch;
};

/** The longest that FCM keeps a message for an offline device: four weeks. */
const ttlSecondsMax = 2_419_200;
/** The limit of the payload, on Android and on iOS alike. */
const payloadBytesMax = 4_096;
/** APNs' reasons for a token of another environment or bundle than Firebase has keys for. */
const apnsRefusals = ["BadDeviceToken", "DeviceTokenNotForTopic"];
/** The documented delay after a 429 without a Retry-After: a minute. */
const quotaMs = 60_000;
/** The field that FCM names if the token is invalid. */
const tokenField = "message.token";
/** Names that FCM reserves; it refuses a message with one of them. */
const reservedName = /^(from$|message_type$|gcm$|gcm\.|google)/;

/**
 * Firebase Cloud Messaging, HTTP v1: Android, iOS and the web. See docs/firebase.md.
 *
 * A newer notice of a conversation replaces the older one, on the device and on its way there. For an offline device FCM keeps messages
 * of four conversations; the app gets the rest with its first connection.
 *
 * FCM has no idempotency key: a repeat after a lost answer replaces the first notification, but may sound again.
 *
 * A token of another project (403 `SENDER_ID_MISMATCH`), or one that APNs refuses, may be due to wrong keys of the sender: it is dead after five refusals over at least an hour,
 * if FCM accepted other tokens between them.
 *
 * A token is dead if FCM says that it is unregistered or invalid. For an invalid one (400 `INVALID_ARGUMENT`) Google's page on managing tokens asks to be sure
 * of the payload: so FCM must name the token's field, or no field and the token in its text.
 *
 * @throws ChatError `config_invalid` at once on unusable options.
 *
 * @example
 * fcm({ serviceAccount: process.env.FCM_SERVICE_ACCOUNT ?? "" })
 */
export function fcm(options: FcmOptions): PushProvider {
  const { fetch = systemFetch } = options;
  const account = readServiceAccount(options.serviceAccount);
  const baseUrl = baseUrlOf(options.baseUrl ?? "https://fcm.googleapis.com", "The base URL of FCM");
  const url = `${baseUrl}/v1/projects/${encodeURIComponent(account.projectId)}/messages:send`;
  const tokens = createAccessTokens(account, fetch);
  const refusals = createRefusals();

  return {
    name: "fcm",
    expects: "a registration token of FCM as token",
    parse({ token, ...rest }) {
      const isToken = typeof token === "string" && /^[\x21-\x7e]{1,4096}$/.test(token);
      return isToken && Object.keys(rest).length === 0 ? { token } : null;
    },
    fits: (notice) => bytesOf(messageOf(notice, 0)) <= payloadBytesMax,
    async send(notice, context) {
      const message = messageOf(notice, context.now());
      const fault = faultOf(message);
      if (fault !== null) return { type: "unfit", answer: shortAnswer(fault) };
      const body = JSON.stringify({ message });
      for (let isSecond = false; ; isSecond = true) {
        const access = await tokens.get(context);
        if (access.type !== "token") return access;
        const headers = { Authorization: `Bearer ${access.token}`, "Content-Type": "application/json" };
        const init: RequestInit = { method: "POST", headers, body, redirect: "manual", signal: context.signal };
        const answer = await readAnswer(await fetch(url, init));
        const error = errorOf(answer);
        const isUnknown = answer.status === 401 && error.code !== "THIRD_PARTY_AUTH_ERROR";
        if (isUnknown) tokens.drop(access.token);
        if (isUnknown && !isSecond) continue;
        const result = resultOf(answer, error, { now: context.now(), hidden: [notice.token, access.token] });
        if (result.type === "sent") await refusals.taken("fcm", notice.token);
        const isRefused = error.code === "SENDER_ID_MISMATCH" || apnsRefusals.includes(error.apnsReason);
        if (isRefused && (await refusals.refused("fcm", notice.token, context.now())))
          return { type: "dead", answer: result.answer };
        return result;
      }
    },
  };
}

type Message = ReturnType<typeof messageOf>;

/** https://firebase.google.com/docs/reference/fcm/rest/v1/projects.messages */
function messageOf(notice: PushNotice, now: number) {
  const { kind, token, tag, conversation, badge } = notice;
  const { mutableContent = false, channel, sound = "default", category, image, dataOnly = false } = notice.options;
  const isShown = kind === "message" && !dataOnly;
  const ttlSeconds = Math.min(ttlSecondsMax, Math.max(0, Math.floor(notice.ttlMs / 1000)));
  // An extension of the app loads the image: iOS starts it only if asked.
  const isMutable = mutableContent || image !== undefined;
  const aps = isShown
    ? {
        ...{ badge, "thread-id": conversation },
        ...(sound !== "none" && { sound }),
        ...(category !== undefined && { category }),
        ...(isMutable && { "mutable-content": 1 }),
      }
    : { badge, "content-available": 1 };
  const shownImage = image !== undefined && { image };
  const android = {
    tag,
    ...(channel !== undefined && { channel_id: channel }),
    ...(notice.options.sound !== undefined && sound !== "none" && { sound }),
  };
  return {
    token,
    ...(isShown && {
      notification: { title: notice.title.toWellFormed(), body: notice.body.toWellFormed(), ...shownImage },
    }),
    data: noticeData(notice),
    android: {
      collapse_key: tag,
      priority: kind === "message" ? "HIGH" : "NORMAL",
      ttl: `${ttlSeconds}s`,
      ...(isShown && { notification: android }),
    },
    apns: {
      headers: {
        "apns-collapse-id": tag,
        "apns-priority": isShown ? "10" : "5",
        "apns-expiration": String(Math.floor(now / 1000) + ttlSeconds),
        "apns-push-type": isShown ? "alert" : "background",
      },
      payload: { aps },
      ...(isShown && shownImage && { fcm_options: shownImage }),
    },
    webpush: {
      headers: { TTL: String(ttlSeconds), Topic: tag, Urgency: kind === "message" ? "high" : "normal" },
      ...(isShown && {
        notification: { tag, renotify: true, ...(sound === "none" && { silent: true }), ...shownImage },
      }),
    },
  };
}

/** Why FCM would refuse a message because of the host's content. */
function faultOf(message: Message): string | null {
  const reserved = Object.keys(message.data).find((name) => reservedName.test(name));
  if (reserved !== undefined) return `data may not have the name ${JSON.stringify(reserved)}: FCM keeps it for itself`;
  const bytes = bytesOf(message);
  return bytes > payloadBytesMax
    ? `too large: ${bytes} bytes of title, body and data, at most ${payloadBytesMax}`
    : null;
}

/** The payload's bytes as APNs counts them. For Android FCM counts only names and values, which are fewer. */
function bytesOf({ notification, data, apns }: Message): number {
  const payload = { aps: { alert: notification, ...apns.payload.aps }, fcm_options: apns.fcm_options, ...data };
  return new TextEncoder().encode(JSON.stringify(payload)).length;
}

type FcmError = {
  /** FCM's code; if there is none, the status of Google's APIs; else empty. */
  readonly code: string;
  readonly text: string;
  /** The invalid fields. */
  readonly fields: readonly string[];
  readonly isBadRequest: boolean;
  /** The reason of APNs, if it was asked. */
  readonly apnsReason: string;
};

const optionalText = v.fallback(v.optional(v.string(), ""), "");
const violation = v.fallback(v.object({ field: optionalText }), { field: "" });
const detail = v.fallback(
  v.object({
    "@type": optionalText,
    errorCode: optionalText,
    reason: optionalText,
    fieldViolations: v.fallback(v.optional(v.array(violation), []), []),
  }),
  { "@type": "", errorCode: "", reason: "", fieldViolations: [] },
);
const failure = v.object({
  error: v.object({
    status: optionalText,
    message: optionalText,
    details: v.fallback(v.optional(v.array(detail), []), []),
  }),
});

function errorOf({ json }: Answer): FcmError {
  const parsed = v.safeParse(failure, json);
  if (!parsed.success) return { code: "", text: "", fields: [], isBadRequest: false, apnsReason: "" };
  const { status, message, details } = parsed.output.error;
  const code = details.find(({ errorCode }) => errorCode !== "")?.errorCode ?? status;
  return {
    code: /^[A-Z_]{1,40}$/.test(code) ? code : "",
    text: message,
    fields: details.flatMap(({ fieldViolations }) => fieldViolations.map(({ field }) => field)),
    isBadRequest: details.some((one) => one["@type"].endsWith("/google.rpc.BadRequest")),
    apnsReason: details.find((one) => one["@type"].endsWith(".ApnsError"))?.reason ?? "",
  };
}

const accepted = v.object({ name: v.string() });

/** https://firebase.google.com/docs/reference/fcm/rest/v1/ErrorCode */
function resultOf(
  answer: Answer,
  error: FcmError,
  { now, hidden }: { readonly now: number; readonly hidden: readonly string[] },
): PushResult {
  const { status } = answer;
  if (status === 200) {
    const { success, output } = v.safeParse(accepted, answer.json);
    if (success) return { type: "sent", answer: shortAnswer(output.name.split("/").at(-1) ?? "", hidden) };
    return { type: "retry", answer: "200 without the name of a message" };
  }
  if (isRedirect(answer)) return { type: "failed", answer: `${status}: FCM redirects, which is not followed` };
  const said = `${status} ${error.code}`.trim();
  const failed = (why: string): PushResult => ({ type: "failed", answer: shortAnswer(`${said}${why}`, hidden) });
  const unfit = (why: string): PushResult => ({ type: "unfit", answer: shortAnswer(`${said}${why}`, hidden) });
  if (status === 413 || error.apnsReason === "PayloadTooLarge") return unfit(": too large");
  // APNs, 410: the app was removed from the device.
  if (error.apnsReason === "Unregistered") return { type: "dead", answer: `${said}: APNs says Unregistered` };
  if (apnsRefusals.includes(error.apnsReason)) return failed(`: APNs says ${error.apnsReason}`);
  switch (error.code) {
    case "UNREGISTERED":
      return { type: "dead", answer: said };
    case "SENDER_ID_MISMATCH":
      return failed(": the token is of another Firebase project than the service account");
    case "THIRD_PARTY_AUTH_ERROR":
      return failed(": Firebase has no valid APNs key or web push certificate for the app");
    case "INVALID_ARGUMENT":
      // Only the token's field, or a text about it: any other invalid field says nothing about the token.
      if (
        error.fields.includes(tokenField) ||
        (!error.isBadRequest && /registration token is not a valid/i.test(error.text))
      )
        return { type: "dead", answer: `${said}: no token of FCM` };
      // For a message that is too big FCM gives a text, or nothing.
      return unfit(error.fields[0] ? `: ${error.fields[0]}` : "");
  }
  const afterMs = retryAfterMs(answer.headers, now) ?? (status === 429 ? quotaMs : undefined);
  // 401: the account may be corrected, and then the notice is accepted.
  const isPassing = status === 401 || status === 408 || status === 429 || status >= 500;
  return isPassing ? retry(said, afterMs) : failed("");
}
