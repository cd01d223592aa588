import { importPKCS8, SignJWT } from "jose";
import * as v from "valibot";
import { ChatError } from "../../error.ts";
import type { PushContext, PushResult } from "../provider.ts";
import { isRedirect, readAnswer, type Answer } from "./answer.ts";
import type { Fetch } from "./fetch.ts";
import { retry, retryAfterMs } from "./retry-after.ts";
import type { ServiceAccount } from "./service-account.ts";

/** An access token, or why there is none now. */
export type Access =
  { readonly type: "token"; readonly token: string } | Extract<PushResult, { type: "retry" | "failed" }>;

const scope = "https://www.googleapis.com/auth/firebase.messaging";
/** The longest lifetime that Google accepts. */
const assertionSeconds = 3_600;
/** No token expires during the request. */
const spareMs = 60_000;

const granted = v.object({
  // Only characters that a header may have: otherwise the error text of fetch would repeat the token.
  access_token: v.pipe(v.string(), v.regex(/^[\x21-\x7e]{1,4096}$/)),
  expires_in: v.pipe(v.number(), v.minValue(1)),
});
const refused = v.object({ error: v.pipe(v.string(), v.regex(/^[a-z_]{1,40}$/)) });

type Held = { readonly token: string; readonly expiresAt: number };
type Flight = { readonly access: Promise<Access>; readonly signal: AbortSignal };

/** Access tokens (RFC 7523) of a service account. */
export function createAccessTokens(account: ServiceAccount, fetch: Fetch) {
  let key: Promise<CryptoKey> | undefined;
  let held: Held | undefined;
  let flight: Flight | undefined;

  async function request({ now, signal }: PushContext): Promise<Access> {
    const askedAt = now();
    key ??= importPKCS8(account.privateKey, "RS256").catch((cause: unknown) => {
      throw new ChatError("config_invalid", "The service account's private_key is no RSA key", { cause });
    });
    const assertion = await sign(await key, account, Math.floor(askedAt / 1000));
    const body = new URLSearchParams({ grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer", assertion });
    const headers = { "Content-Type": "application/x-www-form-urlencoded", Accept: "application/json" };
    const init: RequestInit = { method: "POST", headers, body: body.toString(), redirect: "manual", signal };
    const answer = await readAnswer(await fetch(account.tokenUri, init));
    const grant = answer.status === 200 ? v.safeParse(granted, answer.json) : undefined;
    if (grant?.success !== true) return refusalOf(answer, now());
    held = { token: grant.output.access_token, expiresAt: askedAt + grant.output.expires_in * 1000 };
    return { type: "token", token: held.token };
  }

  /** The request under way, or a new one. It is aborted with the signal of the caller that began it. */
  function share(context: PushContext): Flight {
    if (flight?.signal.aborted === false) return flight;
    const started: Flight = {
      signal: context.signal,
      access: request(context).finally(() => {
        if (flight === started) flight = undefined;
      }),
    };
    flight = started;
    return started;
  }

  return {
    /** A token that is valid for at least another minute. Concurrent callers share one request. */
    async get(context: PushContext): Promise<Access> {
      for (;;) {
        context.signal.throwIfAborted();
        if (held !== undefined && held.expiresAt - spareMs > context.now()) return { type: "token", token: held.token };
        const { access, signal } = share(context);
        try {
          return await orAbort(access, context.signal);
        } catch (error) {
          // The caller that began it has given up, this one has not.
          if (!signal.aborted || signal === context.signal || context.signal.aborted) throw error;
        }
      }
    },
    /** The token was refused: `get` requests a new one. */
    drop(token: string): void {
      if (held?.token === token) held = undefined;
    },
  };
}

function sign(key: CryptoKey, { email, keyId, tokenUri }: ServiceAccount, nowSeconds: number): Promise<string> {
  return new SignJWT({ scope })
    .setProtectedHeader({ alg: "RS256", typ: "JWT", ...(keyId !== undefined && { kid: keyId }) })
    .setIssuer(email)
    .setAudience(tokenUri)
    .setIssuedAt(nowSeconds)
    .setExpirationTime(nowSeconds + assertionSeconds)
    .sign(key);
}

/** Nothing is wrong with the notice: once the account or the clock is put right, or Google is back, it goes out. */
function refusalOf(answer: Answer, now: number): Access {
  if (isRedirect(answer)) return { type: "failed", answer: `The token endpoint redirects (${answer.status})` };
  const reason = v.safeParse(refused, answer.json);
  const text = `No access token: ${answer.status}${reason.success ? ` ${reason.output.error}` : ""}`;
  return retry(text, retryAfterMs(answer.headers, now));
}

/** Settles as `promise` does, or rejects as soon as the signal is aborted. */
function orAbort<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void =>
      reject(signal.reason instanceof Error ? signal.reason : new Error("Nobody waits any more"));
    signal.addEventListener("abort", abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}
