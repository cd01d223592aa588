import * as v from "valibot";

const zoneForm = /^[A-Za-z][A-Za-z0-9_+/-]{0,63}$/;

const time = v.pipe(
  v.string(),
  v.regex(/^([01]\d|2[0-3]):[0-5]\d$/),
  v.description("A time of day, from 00:00 to 23:59"),
);

/** A user's hours without notifications: every day from one time of day until another one, in their own time zone. */
export const quietHours = v.strictObject({
  from: time,
  to: time,
  timeZone: v.pipe(
    v.string(),
    v.check((name) => formatOf(name) !== null),
    v.metadata({ pattern: zoneForm.source, description: "A name of the IANA time zone database" }),
  ),
});

export type QuietHours = v.InferOutput<typeof quietHours>;

const minuteMs = 60_000;
const minutesOf = (text: string): number => Number(text.slice(0, 2)) * 60 + Number(text.slice(3));

const formats = new Map<string, Intl.DateTimeFormat>();
const formatsMax = 1_000;

/** Null if the runtime does not know the time zone. An offset is refused: it does not follow the season. */
function formatOf(timeZone: string): Intl.DateTimeFormat | null {
  if (!zoneForm.test(timeZone)) return null;
  const known = formats.get(timeZone);
  if (known) return known;
  try {
    const options = { timeZone, hour: "2-digit", minute: "2-digit", hourCycle: "h23" } as const;
    const made = new Intl.DateTimeFormat("en-GB", options);
    if (formats.size >= formatsMax) formats.clear();
    formats.set(timeZone, made);
    return made;
  } catch {
    return null;
  }
}

/** The minute of the day in a time zone. */
const minuteOfDay = (now: number, format: Intl.DateTimeFormat): number => minutesOf(format.format(now));

/**
 * The end of the quiet hours at this moment, in milliseconds since the Unix epoch; null if they do not include it. If `from` and `to` are
 * equal, they are the whole day, every day.
 *
 * If a clock is set forward or back within them, the result may be too early: the time is then still within the quiet hours, and a new
 * call gives their end.
 *
 * @example
 * quietUntil({ from: "22:00", to: "07:00", timeZone: "Africa/Khartoum" }, Date.UTC(2026, 0, 1, 21)) // 05:00 UTC on 2 January
 */
export function quietUntil(hours: QuietHours, now: number): number | null {
  const format = formatOf(hours.timeZone);
  if (format === null) return null;
  const [from, to] = [minutesOf(hours.from), minutesOf(hours.to)];
  const isQuiet = (at: number): boolean => {
    const minute = minuteOfDay(at, format);
    if (from === to) return true;
    return from < to ? minute >= from && minute < to : minute >= from || minute < to;
  };
  if (!isQuiet(now)) return null;
  const startOfMinute = now - (now % minuteMs);
  const left = (to - minuteOfDay(now, format) + 1_440) % 1_440 || 1_440;
  const end = startOfMinute + left * minuteMs;
  if (from === to) return end;
  // A clock set forward meanwhile makes the end late by this difference, one set back makes it early.
  const off = (minuteOfDay(end, format) - to + 1_440) % 1_440;
  const right = end + (off < 720 ? -off : 1_440 - off) * minuteMs;
  return right > now ? right : startOfMinute + minuteMs;
}

/** Reads stored quiet hours; null if they are no longer valid. */
export function parseQuietHours(text: string): QuietHours | null {
  try {
    const parsed = v.safeParse(quietHours, JSON.parse(text));
    return parsed.success ? parsed.output : null;
  } catch {
    return null;
  }
}
