import { afterDrawing } from "./after-drawing.ts";

/** How times are shown, in one language. Times are milliseconds since the Unix epoch, shown in the reader's time zone. `today`: its start. */
export type DayNames = {
  clock(time: number): string;
  /** Shown where the pointer rests on a time. */
  whole(time: number): string;
  /** A day above its messages. */
  day(time: number, today: number): string;
  /** A time in a list: the hour for today, the day for earlier ones. */
  moment(time: number, today: number): string;
  /** When a person was last here, within a sentence. */
  lastSeen(time: number, today: number): string;
  /** True: the browser has loaded the data for names. */
  isLoaded(): boolean;
  /** Loads it in a turn of its own, since that takes as long as a drawing, then calls `then`. Returns the function that ends this. */
  load(then: () => void): () => void;
};

/** The start of the day of a time, `days` days later: by the calendar, since a day of a change of the clocks has 23 or 25 hours. */
export function dayOf(time: number, days = 0): number {
  const date = new Date(time);
  return new Date(date.getFullYear(), date.getMonth(), date.getDate() + days).getTime();
}

const isSameYear = (a: number, b: number): boolean => new Date(a).getFullYear() === new Date(b).getFullYear();

/** The names in a language, by its tag; undefined: the browser's. @throws RangeError if it is no tag of a language. */
export function dayNamesIn(language?: string): DayNames {
  if (language !== undefined) Intl.getCanonicalLocales(language);
  const format = (options: Intl.DateTimeFormatOptions): ((time: number) => string) => {
    let made: Intl.DateTimeFormat | null = null;
    return (time) => (made ??= new Intl.DateTimeFormat(language, options)).format(time);
  };
  const clock = format({ hour: "numeric", minute: "2-digit" });
  const weekday = format({ weekday: "long" });
  const day = format({ weekday: "long", day: "numeric", month: "long" });
  const dayOfYear = format({ day: "numeric", month: "long", year: "numeric" });
  const shortDay = format({ day: "numeric", month: "short" });
  const shortDayOfYear = format({ day: "numeric", month: "short", year: "numeric" });
  const whole = format({ dateStyle: "full", timeStyle: "short" });
  const waiting = new Set<() => void>();
  let isLoaded = false;
  function loadNow(): void {
    clock(0);
    isLoaded = true;
    for (const then of waiting) then();
    waiting.clear();
  }

  return {
    clock,
    whole,
    isLoaded: () => isLoaded,
    load(then) {
      waiting.add(then);
      // After the drawing that is due, unless nobody sees the page.
      if (waiting.size === 1) afterDrawing(loadNow);
      return () => void waiting.delete(then);
    },
    day(time, today) {
      const start = dayOf(time);
      if (start === today) return "Today";
      if (start === dayOf(today, -1)) return "Yesterday";
      if (start < today && start > dayOf(today, -7)) return weekday(time);
      return (isSameYear(time, today) ? day : dayOfYear)(time);
    },
    moment(time, today) {
      const start = dayOf(time);
      if (start === today) return clock(time);
      if (start === dayOf(today, -1)) return "Yesterday";
      return (isSameYear(time, today) ? shortDay : shortDayOfYear)(time);
    },
    lastSeen(time, today) {
      const start = dayOf(time);
      if (start === today) return `last seen at ${clock(time)}`;
      if (start === dayOf(today, -1)) return `last seen yesterday at ${clock(time)}`;
      return `last seen on ${(isSameYear(time, today) ? shortDay : shortDayOfYear)(time)}`;
    },
  };
}
