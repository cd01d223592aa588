import type { PushResult } from "../provider.ts";

const seconds = /^\d{1,9}$/;
/** The three forms of an HTTP date (RFC 9110 section 5.6.7); the last two are obsolete, and to be understood all the same. */
const dates = [
  /^[A-Z][a-z]{2}, (?<day>\d{2}) (?<month>[A-Z][a-z]{2}) (?<year>\d{4}) (?<time>\d{2}:\d{2}:\d{2}) GMT$/,
  /^[A-Z][a-z]+day, (?<day>\d{2})-(?<month>[A-Z][a-z]{2})-(?<year>\d{2}) (?<time>\d{2}:\d{2}:\d{2}) GMT$/,
  /^[A-Z][a-z]{2} (?<month>[A-Z][a-z]{2}) (?<day>[ \d]\d) (?<time>\d{2}:\d{2}:\d{2}) (?<year>\d{4})$/,
];

/**
 * For how many milliseconds an answer asks to be left alone (RFC 9110 section 10.2.3): a number of seconds, or a date. Never negative;
 * undefined where it does not say, or not in a way that means anything.
 *
 * @param now Milliseconds since the Unix epoch.
 */
export function retryAfterMs(headers: Headers, now: number): number | undefined {
  const text = headers.get("retry-after")?.trim() ?? "";
  if (seconds.test(text)) return Number(text) * 1000;
  for (const form of dates) {
    const { day, month, year, time } = form.exec(text)?.groups ?? {};
    if (day === undefined || month === undefined || year === undefined || time === undefined) continue;
    // Without its weekday and with its zone, a date means the same to every engine. No clock is read here.
    // oxlint-disable-next-line no-restricted-globals
    const at = Date.parse(`${day.trim().padStart(2, "0")} ${month} ${year.padStart(4, "20")} ${time} GMT`);
    return Number.isNaN(at) ? undefined : Math.max(0, at - now);
  }
  return undefined;
}

/** Asks for another try, after the delay that the provider named, if it named one. */
export const retry = (answer: string, afterMs: number | undefined): Extract<PushResult, { type: "retry" }> =>
  afterMs === undefined ? { type: "retry", answer } : { type: "retry", answer, afterMs };
