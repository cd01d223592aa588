const clock = new Intl.DateTimeFormat(undefined, { hour: "numeric", minute: "2-digit" });
const weekday = new Intl.DateTimeFormat(undefined, { weekday: "long" });
const day = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });
const dayOfYear = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "long", year: "numeric" });
const shortDay = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const shortDayOfYear = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", year: "numeric" });
const whole = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "short" });

/** Times are milliseconds since the Unix epoch, shown in the reader's time zone and language. */
export const clockName = (time: number): string => clock.format(time);

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
