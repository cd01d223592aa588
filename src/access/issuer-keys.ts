import { createLog } from "../internal/logger.ts";
import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from "jose";
import { ChatError } from "../error.ts";
import { backoffMs } from "../internal/backoff.ts";
import type { Clock } from "../internal/clock.ts";
import { safeUrlOf } from "../internal/safe-url.ts";
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

/** Keys of this age are fetched again: a key that the issuer has withdrawn is used no longer than this. */
const freshMs = 600_000;
/** While the issuer is away, its keys are used for this long after they were fetched. */
const keptMs = 3_600_000;
/** The least time between two fetches for unknown keys: strangers can make up the name of one. */
const unknownMs = 5_000;
/** The pause after a fetch that failed. */
const againMsMin = 1_000;
const againMsMax = 30_000;
const answerMs = 5_000;

/** The keys of one fetch. */
type Held = {
  readonly key: JWTVerifyGetKey;
  readonly names: ReadonlySet<unknown>;
  readonly count: number;
  /** When they were fetched, in elapsed time. */
  readonly at: number;
};

/** The fetches that failed since the last success. */
type Failure = { readonly count: number; readonly error: unknown; readonly askableAt: number };

export type IssuerKeys = {
  /** The key of a token, for jose. */
  readonly keyOf: JWTVerifyGetKey;
  /** The keys of the last fetch, for `renew`; null: there was none. */
  readonly held: () => object | null;
  /** Whether other keys than these are held now. Fetches first, unless that was done just now or the issuer is away. */
  readonly renew: (held: object | null) => Promise<boolean>;
};

/**
 * The keys of an issuer: fetched when they are first needed, when they are old, and when a token names an unknown one. `keyOf` rejects with
 * `unavailable` where the issuer is at fault, and with an error of jose where the token is.
 *
 * While the issuer is away its keys are used for an hour after they were fetched, and it is asked with backoff, never once for each token.
 * A token with an unknown key is refused only after a fetch; where no fetch may be made yet, it is `unavailable`, for the key may be a new one.
 *
 * @throws ChatError `config_invalid` for an address that is neither https nor of this machine.
 */
export function createIssuerKeys({ jwksUrl, clock, random, fetch = systemFetch }: IssuerKeysOptions): IssuerKeys {
  const url = safeUrlOf(jwksUrl);
  if (url === null)
    throw new ChatError("config_invalid", "The address of the keys must be an https URL, or http on this machine");
  const address = url.href;
  const log = createLog(["tidings", "http"]);
  let held: Held | null = null;
  let failure: Failure | null = null;
  let fetching: Promise<boolean> | null = null;
  let fetchedAt = -Infinity;

  async function fetchKeys(): Promise<boolean> {
    fetchedAt = clock.elapsed();
    try {
      const keys = await readKeys(address, { clock, fetch });
      const names = new Set(keys.keys.map(({ kid }) => kid));
      held = { key: createLocalJWKSet(keys), names, count: keys.keys.length, at: fetchedAt };
      failure = null;
      return true;
    } catch (error) {
      const attempt = failure?.count ?? 0;
      const askableAt = clock.elapsed() + backoffMs(random, { attempt, minMs: againMsMin, maxMs: againMsMax });
      failure = { count: attempt + 1, error, askableAt };
      log.warn("The issuer's keys cannot be fetched", { error, failures: failure.count, keptKeys: usable() !== null });
      return false;
    } finally {
      fetching = null;
    }
  }

  /** Fetches, or waits for the fetch under way; null where none may be made yet. */
  function refresh(): Promise<boolean> | null {
    if (fetching === null && failure !== null && clock.elapsed() < failure.askableAt) return null;
    fetching ??= fetchKeys();
    return fetching;
  }

  const ageMs = (): number => (held === null ? Infinity : clock.elapsed() - held.at);
  const usable = (): Held | null => (ageMs() < keptMs ? held : null);
  /** Whether unknown keys are worth a fetch: one is under way, or the last one was some time ago. */
  const mayRenew = (): boolean => fetching !== null || clock.elapsed() - fetchedAt >= unknownMs;

  /** The keys at hand, and whether they were fetched for this token. */
  async function current(): Promise<{ readonly keys: Held; readonly isNew: boolean }> {
    let isNew = false;
    if (ageMs() >= freshMs) {
      const asked = refresh();
      // A failing issuer must not delay tokens with a key at hand.
      if (asked !== null && (usable() === null || failure === null)) isNew = await asked;
    }
    const keys = usable();
    if (keys === null) throw unavailable(notFetched);
    return { keys, isNew };
  }

  const unavailable = (text: string): ChatError => new ChatError("unavailable", text, { cause: failure?.error });

  /** New keys, among which an unknown one may be. */
  async function renewed(): Promise<Held> {
    const keys = mayRenew() && (await refresh()) ? usable() : null;
    if (keys !== null) return keys;
    throw unavailable("The key of the token is not known, and new keys cannot be fetched now");
  }

  return {
    async keyOf(header, token) {
      const { keys: first, isNew } = await current();
      const isKnown = header.kid === undefined || first.names.has(header.kid);
      const keys = isKnown || isNew ? first : await renewed();
      try {
        const key = await keys.key(header, token);
        // With several keys, the token's own algorithm would choose among them.
        if (header.kid === undefined && keys.count !== 1) throw new errors.JWKSNoMatchingKey();
        return key;
      } catch (error) {
        if (faultsOfTokens.some((fault) => error instanceof fault)) throw error;
        throw new ChatError("unavailable", notFetched, { cause: error });
      }
    },
    held: () => held,
    async renew(known) {
      if (held === known && mayRenew()) await refresh();
      return held !== known;
    },
  };
}

const faultsOfTokens = [errors.JWKSNoMatchingKey, errors.JWKSMultipleMatchingKeys, errors.JOSENotSupported];
const notFetched = "The keys for checking tokens cannot be fetched";

/** The set of keys that the issuer publishes; rejects where it answers anything else, or not in time. Redirects are not followed. */
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
