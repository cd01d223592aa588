import type { Identity } from "../model.ts";
import type { PushOptions } from "./options.ts";

/** A request to a provider to notify one device. It holds nothing of the message itself, unless the host added it. */
export type PushNotice = {
  /** `message`: there is a new message. `clear`: it was read elsewhere, or its sender was blocked: the notification is removed, and none is shown. */
  readonly kind: "message" | "clear";
  readonly tenant: string;
  readonly user: string;
  /** Empty: any device of the user (see `PushProvider.reach`). */
  readonly device: string;
  /** The address, as `parse` returned it; empty for a user without an address. */
  readonly token: string;
  readonly conversation: string;
  /** The newest seq of the conversation in this notice: it replaces the notices of earlier ones. */
  readonly seq: number;
  /** Messages of the conversation that the user has not read. */
  readonly unread: number;
  /** All messages that the user has not read, without muted conversations and blocked senders: the number at the app's icon. */
  readonly badge: number;
  /** The text that is shown; both empty in a `clear`. */
  readonly title: string;
  readonly body: string;
  /** The host's data for its app. */
  readonly data: Readonly<Record<string, string>>;
  /** How the host wants it to be shown; empty: the provider's defaults, and in a `clear`. */
  readonly options: PushOptions;
  /** A UUID: the same for each repeat of this request, and for no other request. */
  readonly key: string;
  /** One notification per conversation: a device shows the newest one of each tag. 32 characters of base64url. */
  readonly tag: string;
  /** After this many milliseconds it is worthless. */
  readonly ttlMs: number;
};

/** The result of a notice. `answer` is kept for `explainPush`: short, and without tokens or keys. */
export type PushResult =
  | { readonly type: "sent"; readonly answer: string }
  /** The address is dead: it is deleted, unless it was registered again meanwhile. */
  | { readonly type: "dead"; readonly answer: string }
  /** Not now. `afterMs`: the delay that the provider asked for. */
  | { readonly type: "retry"; readonly answer: string; readonly afterMs?: number }
  /** Too long, or with data that the provider does not take: it is asked again with less, at last without content. */
  | { readonly type: "unfit"; readonly answer: string }
  /** Never: the same request would be refused again. */
  | { readonly type: "failed"; readonly answer: string };

export type PushContext = {
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
  /** Aborted when the answer is not needed any more: pass it to `fetch`. */
  readonly signal: AbortSignal;
};

/** An address of a device, as it is stored. */
export type PushAddress = {
  /** A capability: if the same one is registered elsewhere, it has moved. Empty: the provider has none to distinguish devices. */
  readonly token: string;
  /** Milliseconds since the Unix epoch after which it is of no use. */
  readonly expiresAt?: number;
};

/**
 * A way to notify a device. A host may write its own: see docs/push.md.
 *
 * @example
 * const sms: PushProvider = {
 *   name: "sms",
 *   expects: "a phone number as token",
 *   parse: ({ token }) => (typeof token === "string" && /^\+\d{6,15}$/.test(token) ? { token } : null),
 *   async send({ token, title }, { signal }) {
 *     const response = await fetch("https://sms.example/", { method: "POST", body: JSON.stringify({ token, title }), signal });
 *     if (response.ok) return { type: "sent", answer: "sent" };
 *     return { type: response.status < 500 ? "failed" : "retry", answer: `HTTP ${response.status}` };
 *   },
 * };
 */
export interface PushProvider {
  /** As clients name it when they register: 1–32 characters of `a–z 0–9 -`. */
  readonly name: string;
  /**
   * `device` (default): a device must register an address. `user`: users without an address are notified too, once for all of their devices.
   */
  readonly reach?: "device" | "user";
  /** The input of `parse`, for the text of the refusal. */
  readonly expects: string;
  /** The data that a client needs to register, such as a public key; `GET /push` returns it. */
  readonly public?: Readonly<Record<string, string>>;
  /** Reads the address in a registration (all of `push` but `provider`); null: there is none. */
  parse(push: Readonly<Record<string, unknown>>, identity: Identity): PushAddress | null;
  /**
   * Whether a notice is short enough. If not, it is shortened: the body first, then the title; data that is too long by itself is left out. Default:
   * always.
   */
  fits?(notice: PushNotice): boolean;
  /** Sends one notice. If it throws, it is called again. */
  send(notice: PushNotice, context: PushContext): Promise<PushResult>;
}

/** Why providers are invalid; null: they are valid. */
export function validateProviders(providers: readonly PushProvider[]): string | null {
  const names = new Set<string>();
  for (const { name, parse, send } of providers) {
    if (typeof name !== "string" || !/^[a-z0-9-]{1,32}$/.test(name))
      return "The name of a push provider is 1 to 32 characters of a-z, 0-9 and -";
    if (typeof parse !== "function" || typeof send !== "function")
      return `The push provider ${name} needs parse and send`;
    if (names.has(name)) return `There are two push providers named ${name}`;
    names.add(name);
  }
  return null;
}
