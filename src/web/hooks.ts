import { useEffect, useState } from "react";
import { dayOf } from "./day.ts";

/** The start of today; another one after midnight. */
export function useToday(): number {
  const [today, setToday] = useState(() => dayOf(Date.now()));
  useEffect(() => {
    const check = (): void => setToday(dayOf(Date.now()));
    const timer = setTimeout(check, dayOf(Date.now(), 1) - Date.now() + 1_000);
    // A page that slept through midnight.
    document.addEventListener("visibilitychange", check);
    return () => {
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", check);
    };
  }, [today]);
  return today;
}

/** The seconds until a time, counted down. */
export function useCountdown(until: number | null): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    if (until === null) return;
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), 500);
    return () => clearInterval(timer);
  }, [until]);
  return until === null ? 0 : Math.max(1, Math.ceil((until - now) / 1_000));
}

/** False for the first `ms` after a value has changed: what is over by then need not be shown. */
export function useIsLate(value: unknown, ms: number): boolean {
  const [late, setLate] = useState<{ readonly value: unknown } | null>(null);
  useEffect(() => {
    const timer = setTimeout(() => setLate({ value }), ms);
    return () => clearTimeout(timer);
  }, [value, ms]);
  return late !== null && late.value === value;
}

/** False while it is drawn for the first time: what can wait is drawn after that. */
export function useIsDrawn(): boolean {
  const [isDrawn, setIsDrawn] = useState(false);
  useEffect(() => {
    const timer = setTimeout(setIsDrawn, 0, true);
    return () => clearTimeout(timer);
  }, []);
  return isDrawn;
}

/** On a phone the keyboard stays closed until the field is touched, and Enter begins a line. */
export const isTouch = (): boolean => matchMedia("(pointer: coarse)").matches;

/** The element that has the focus, in the document or in the shadow that `element` is in. */
export const focusedBeside = (element: Element): Element | null =>
  (element.getRootNode() as Document | ShadowRoot).activeElement;
