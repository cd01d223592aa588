/** The last moment that a date can have (ECMA-262 section 21.4.1.1). */
const lastMs = 8.64e15;
/** Seconds since the Unix epoch of the years 2001 to 5138; as milliseconds they are of 1970 to 1973. */
const secondsMin = 1e9;
const secondsMax = 1e11;

/**
 * When a session ends, as a host says it: in whole milliseconds since the Unix epoch, at most the last moment that there is. A text says what
 * is wrong with it. Plain seconds are refused, for they would end each session at once.
 */
export function readSessionEnd(
  expiresAt: unknown,
  now: number,
): number | "is malformed" | "is in seconds, not in milliseconds" {
  if (typeof expiresAt !== "number" || !Number.isFinite(expiresAt)) return "is malformed";
  if (expiresAt >= secondsMin && expiresAt < secondsMax && now >= secondsMax)
    return "is in seconds, not in milliseconds";
  return Math.floor(Math.max(-lastMs, Math.min(lastMs, expiresAt)));
}
