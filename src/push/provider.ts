import type { Identity } from "../model.ts";
import type { PushOptions } from "./options.ts";

/** What a device is to be told, as a provider takes it. Nothing of the message itself is in it, unless the host put it there. */
export type PushNotice = {
  /** `message`: there is something new. `clear`: it was read elsewhere, or its sender was blocked, and the notification goes away; nothing is shown. */
  readonly kind: "message" | "clear";
  readonly tenant: string;
  readonly user: string;
  /** Empty: the user, whatever the device (see `PushProvider.reach`). */
  readonly device: string;
  /** Where to, as `parse` gave it; empty for a user without an address. */
  readonly token: string;
  readonly conversation: string;
  /** The newest place in the conversation that this tells of: a notice of an earlier one is moot. */
  readonly seq: number;
  /** Messages of the conversation that the user has not read. */
  readonly unread: number;
  /** Messages that the user has not read, without muted conversations and blocked people: the number at the app's icon. */
  readonly badge: number;
  /** What is shown; both empty in a `clear`. */
  readonly title: string;
  readonly body: string;
  /** What the host adds for its app. */
  readonly data: Readonly<Record<string, string>>;
  /** How it is shown, as the host wants it; empty: as the provider does by itself, and in a `clear`. */
  readonly options: PushOptions;
  /** A UUID: the same for every repeat of this request, and for no other one. */
  readonly key: string;
  /** One notification per conversation: of those with one tag a device shows the newest. 32 characters of base64url. */
  readonly tag: string;
  /** After so many milliseconds it is worthless. */
  readonly ttlMs: number;
};

/** What has become of a notice. `answer` is kept for whoever asks why: short, and without tokens or keys. */
export type PushResult =
  | { readonly type: "sent"; readonly answer: string }
  /** The address is dead: it is deleted, unless it was registered anew meanwhile. */
  | { readonly type: "dead"; readonly answer: string }
  /** Not now. `afterMs`: not before so many milliseconds, where the provider said so. */
  | { readonly type: "retry"; readonly answer: string; readonly afterMs?: number }
  /** Too long, or with data of the host's that the provider does not take: it is asked again with less, at last without any content. */
  | { readonly type: "unfit"; readonly answer: string }
  /** Never: this very request would be refused again. */
  | { readonly type: "failed"; readonly answer: string };

export type PushContext = {
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
  /** Ends when nobody waits for the answer any more: hand it to `fetch`. */
  readonly signal: AbortSignal;
};

/** Where a device is notified, as it is stored. */
export type PushAddress = {
  /** A capability: where the same one appears anew, it has moved. Empty: there is none to tell devices apart by. */
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
   * `device` (default): whoever is to be notified registers an address. `user`: users who have registered none are notified too, once for
   * all of their devices.
   */
  readonly reach?: "device" | "user";
  /** What `parse` takes, for the text of the refusal. */
  readonly expects: string;
  /** What a client must know to register, such as a public key; told to whoever asks `GET /push`. */
  readonly public?: Readonly<Record<string, string>>;
  /** The address in what a client registered (all of `push` but `provider`); null: it is none. */
  parse(push: Readonly<Record<string, unknown>>, identity: Identity): PushAddress | null;
  /**
   * Whether a notice is short enough. One that is not is shortened until it is: the text first, then the title; data that is too much by
   * itself is left out. Default: whatever it is.
   */
  fits?(notice: PushNotice): boolean;
  /** Sends one notice. To throw is to ask for another try. */
  send(notice: PushNotice, context: PushContext): Promise<PushResult>;
}

/** Why these cannot notify anybody; null where they can. */
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
