/** A format in the reader's language, made when it is first used: the first one of a page takes the browser as long as a drawing. */
function format(options: Intl.DateTimeFormatOptions): { format(time: number): string } {
  let made: Intl.DateTimeFormat | null = null;
  return { format: (time) => (made ??= new Intl.DateTimeFormat(undefined, options)).format(time) };
}

const clock = format({ hour: "numeric", minute: "2-digit" });
const weekday = format({ weekday: "long" });
const day = format({ weekday: "long", day: "numeric", month: "long" });
const dayOfYear = format({ day: "numeric", month: "long", year: "numeric" });
const shortDay = format({ day: "numeric", month: "short" });
const shortDayOfYear = format({ day: "numeric", month: "short", year: "numeric" });
const whole = format({ dateStyle: "full", timeStyle: "short" });

/** Times are milliseconds since the Unix epoch, shown in the reader's time zone and language. */
export const clockName = (time: number): string => clock.format(time);

/** Makes the formats that each message needs. */
export function prepareFormats(): void {
  for (const one of [clock, whole]) one.format(0);
}

/** For whoever points at a time. */
export const wholeName = (time: number): string => whole.format(time);

/** The start of the day of a time, `days` days later: by the calendar, since a day of a change of the clocks has 23 or 25 hours. */
export function dayOf(time: number, days = 0): number {
  const date = new Date(time);
  return new Date(date.getFullYear(), date.getMonth(), date.getDate() + days).getTime();
}

const isSameYear = (a: number, b: number): boolean => new Date(a).getFullYear() === new Date(b).getFullYear();

/** A day above its messages. `today`: its start. */
export function dayName(time: number, today: number): string {
  const start = dayOf(time);
  if (start === today) return "Today";
  if (start === dayOf(today, -1)) return "Yesterday";
  if (start < today && start > dayOf(today, -7)) return weekday.format(time);
  return (isSameYear(time, today) ? day : dayOfYear).format(time);
}

/** A time in a list: the hour for today, the day for earlier ones. */
export function momentName(time: number, today: number): string {
  const start = dayOf(time);
  if (start === today) return clock.format(time);
  if (start === dayOf(today, -1)) return "Yesterday";
  return (isSameYear(time, today) ? shortDay : shortDayOfYear).format(time);
}

/** When somebody was last here, within a sentence. */
export function lastSeenName(time: number, today: number): string {
  const start = dayOf(time);
  if (start === today) return `last seen at ${clock.format(time)}`;
  if (start === dayOf(today, -1)) return `last seen yesterday at ${clock.format(time)}`;
  return `last seen on ${(isSameYear(time, today) ? shortDay : shortDayOfYear).format(time)}`;
}
