import { createLog } from "../internal/logger.ts";
import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from "jose";
import { ChatError } from "../error.ts";
import { backoffMs } from "../internal/backoff.ts";
import type { Clock } from "../internal/clock.ts";
import { isLoopbackHost } from "../internal/loopback.ts";
import type { Random } from "../internal/random.ts";

export type IssuerKeysOptions = {
  readonly jwksUrl: string;
  readonly clock: Pick<Clock, "elapsed" | "after">;
  readonly random: Pick<Random, "integer">;
  /** Default: the runtime's own. */
  readonly fetch?: (address: string, init: RequestInit) => Promise<Response>;
};

// oxlint-disable-next-line no-restricted-globals -- The default of a parameter.
const systemFetch: NonNullable<IssuerKeysOptions["fetch"]> = (address, init) => globalThis.fetch(address, init);

/** Keys of this age are fetched again, so that one which the issuer has withdrawn is not used for longer. */
const freshMs = 600_000;
/** While the issuer is away its keys are used for so long after they were fetched. */
const keptMs = 3_600_000;
/** Between two fetches for keys that are unknown: anybody can make up the name of one. */
const unknownMs = 5_000;
/** Between two fetches that fail. */
const againMsMin = 1_000;
const againMsMax = 30_000;
const answerMs = 5_000;

type Held = {
  readonly key: JWTVerifyGetKey;
  readonly names: ReadonlySet<unknown>;
  readonly count: number;
  /** When they were fetched, in elapsed time. */
  readonly at: number;
};

export type IssuerKeys = {
  /** The key of a token, for jose. */
  readonly keyOf: JWTVerifyGetKey;
  /** Which keys are at hand: another number after each fetch. */
  readonly version: () => number;
  /** Sees to it that other keys are at hand than those of this version: fetches, unless that was just done or the issuer is away. True: they are. */
  readonly renew: (version: number) => Promise<boolean>;
};

/**
 * The keys of an issuer, fetched when they are first needed, when they are old, and when a token names one that is not known. `keyOf`
 * tells what the issuer did wrong (`unavailable`) from what the token did (an error of jose).
 *
 * While the issuer is away its keys are good for an hour after they were fetched, and it is asked with backoff, never once for each token.
 * A token whose key is not known is refused only after a fetch; where none may be made yet, it is `unavailable`, for the key may be a new one.
 *
 * @throws ChatError `config_invalid` where the address is none for keys.
 */
export function createIssuerKeys({ jwksUrl, clock, random, fetch = systemFetch }: IssuerKeysOptions): IssuerKeys {
  const url = URL.canParse(jwksUrl) ? new URL(jwksUrl) : null;
  if (url === null || !(url.protocol === "https:" || (url.protocol === "http:" && isLoopbackHost(url.host)))) {
    throw new ChatError("config_invalid", "The address of the keys must be an https URL, or http on this machine");
  }
  const address = url.href;
  const log = createLog(["tidings", "http"]);
  let held: Held | null = null;
  let version = 0;
  let fetching: Promise<boolean> | null = null;
  let fetchedAt = -Infinity;
  let failures = 0;
  let askableAt = -Infinity;
  let fault: unknown;

  async function fetchKeys(): Promise<boolean> {
    fetchedAt = clock.elapsed();
    try {
      const keys = await readKeys(address, { clock, fetch });
      const names = new Set(keys.keys.map(({ kid }) => kid));
      held = { key: createLocalJWKSet(keys), names, count: keys.keys.length, at: fetchedAt };
      version++;
      failures = 0;
      fault = undefined;
      return true;
    } catch (error) {
      fault = error;
      const waitMs = backoffMs(random, { attempt: failures++, minMs: againMsMin, maxMs: againMsMax });
      askableAt = clock.elapsed() + waitMs;
      log.warn("The issuer's keys cannot be had", { error, failures, keptKeys: usable() !== null });
      return false;
    } finally {
      fetching = null;
    }
  }

  /** Fetches, or waits for the fetch that is under way; null where none may be made yet. */
  function refresh(): Promise<boolean> | null {
    if (fetching === null && clock.elapsed() < askableAt) return null;
    fetching ??= fetchKeys();
    return fetching;
  }

  const ageMs = (): number => (held === null ? Infinity : clock.elapsed() - held.at);
  const usable = (): Held | null => (ageMs() < keptMs ? held : null);

  /** The keys at hand, and whether they were fetched for this token. */
  async function current(): Promise<{ readonly keys: Held; readonly isNew: boolean }> {
    let isNew = false;
    if (ageMs() >= freshMs) {
      const asked = refresh();
      // An issuer that fails holds up nobody whose key is at hand.
      if (asked !== null && (usable() === null || failures === 0)) isNew = await asked;
    }
    const keys = usable();
    if (keys === null) throw unavailable("The keys for checking tokens cannot be had");
    return { keys, isNew };
  }

  const unavailable = (text: string): ChatError => new ChatError("unavailable", text, { cause: fault });

  /** The keys in which a name that was not known may be found. */
  async function renewed(): Promise<Held> {
    if ((fetching !== null || !isSoon()) && (await refresh())) {
      const keys = usable();
      if (keys !== null) return keys;
    }
    throw unavailable("The key of the token is not known, and it cannot be asked now whether it is a new one");
  }

  const isSoon = (): boolean => clock.elapsed() - fetchedAt < unknownMs;

  const keyOf: JWTVerifyGetKey = async (header, token) => {
    const { keys: first, isNew } = await current();
    const isKnown = header.kid === undefined || first.names.has(header.kid);
    const keys = isKnown || isNew ? first : await renewed();
    try {
      const key = await keys.key(header, token);
      // Of several keys, the one that suits the token's algorithm would be a choice of the token's.
      if (header.kid === undefined && keys.count !== 1) throw new errors.JWKSNoMatchingKey();
      return key;
    } catch (error) {
      const isTokensFault =
        error instanceof errors.JWKSNoMatchingKey ||
        error instanceof errors.JWKSMultipleMatchingKeys ||
        error instanceof errors.JOSENotSupported;
      if (isTokensFault) throw error;
      throw new ChatError("unavailable", "The keys for checking tokens cannot be had", { cause: error });
    }
  };
  return {
    keyOf,
    version: () => version,
    async renew(known) {
      if (version === known && (fetching !== null || !isSoon())) await refresh();
      return version !== known;
    },
  };
}

/** What the issuer publishes; rejects where it is no set of keys, or does not come in time. No redirect is followed. */
async function readKeys(
  address: string,
  { clock, fetch }: Required<Pick<IssuerKeysOptions, "clock" | "fetch">>,
): Promise<JSONWebKeySet> {
  const late = new AbortController();
  const cancel = clock.after(answerMs, () => late.abort(new Error(`The issuer did not answer within ${answerMs} ms`)));
  try {
    const headers = { Accept: "application/json, application/jwk-set+json" };
    const response = await fetch(address, { headers, redirect: "manual", signal: late.signal });
    if (response.status !== 200) {
      await response.body?.cancel();
      throw new Error(`The issuer answered HTTP ${response.status}`);
    }
    const keys: unknown = await response.json();
    if (!isKeySet(keys)) throw new Error("The issuer did not answer a set of keys");
    return keys;
  } finally {
    cancel();
  }
}

function isKeySet(value: unknown): value is JSONWebKeySet {
  const keys = typeof value === "object" && value !== null && "keys" in value ? value.keys : undefined;
  return Array.isArray(keys) && keys.every((key) => typeof key === "object" && key !== null && !Array.isArray(key));
}
