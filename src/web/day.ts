const clock = new Intl.DateTimeFormat(undefined, { hour: "numeric", minute: "2-digit" });
const day = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });
const shortDay = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });

/** Times are milliseconds since the Unix epoch, shown in the reader's time zone and language. */
export const clockName = (time: number): string => clock.format(time);

export const isSameDay = (a: number, b: number): boolean => new Date(a).toDateString() === new Date(b).toDateString();

/** A day above its messages. */
export function dayName(time: number): string {
  if (isSameDay(time, Date.now())) return "Today";
  return isSameDay(time, Date.now() - 86_400_000) ? "Yesterday" : day.format(time);
}

/** A time in a list: the hour for today, the day for earlier ones. */
export const momentName = (time: number): string =>
  isSameDay(time, Date.now()) ? clock.format(time) : shortDay.format(time);
