import * as v from "valibot";
import { createOrigination, type TrustProxy } from "../access/peer.ts";
import type { Rate } from "../internal/buckets.ts";

/** A variable that is a string fulfilling `is`; the text says what is expected. */
export const variable = (is: (text: string) => boolean, expected: string) => v.pipe(v.string(), v.check(is, expected));
export const wholeNumber = (min: number, max: number, unit = "") =>
  variable(
    (text) => /^[0-9]{1,9}$/.test(text) && Number(text) >= min && Number(text) <= max,
    `a whole number ${unit}from ${min} to ${max}`,
  );

/** What stands between commas. */
export const listOf = (text: string): string[] =>
  text
    .split(",")
    .map((origin) => origin.trim())
    .filter((origin) => origin !== "");

const rateForm = /^([1-9]\d{0,8}),(\d{1,9}(?:\.\d{1,6})?)$/;

/** A rate: `60,1` is 60 at once and one a second after that. */
export const rate = variable(
  (text) => text === "off" || (rateForm.test(text) && Number(text.split(",")[1]) > 0),
  '"off", or how many at once and how many a second after that, such as 60,1',
);

/** A rate that counted something by itself, before one bucket saw what everything costs. */
export const goneRate = variable(
  () => false,
  "nothing, for RATE_WORK_USER and RATE_WORK_ADDRESS bound upgrades and requests now, by what they cost",
);

export function ratesOfKind(user: string | undefined, address: string | undefined) {
  const rateOf = (text: string): Rate | null => {
    const [burst, perS] = text.split(",").map(Number);
    return burst !== undefined && perS !== undefined ? { burst, perS } : null;
  };
  return {
    ...(user !== undefined && { user: rateOf(user) }),
    ...(address !== undefined && { address: rateOf(address) }),
  };
}

/** Trusted proxies: how many, or which. */
export const trust = variable(
  (text) => isTrust(trustOf(text)),
  "how many proxies there are (0 to 16), or their addresses and ranges with commas",
);

export const trustOf = (text: string): TrustProxy => (/^\d{1,9}$/.test(text) ? Number(text) : listOf(text));

function isTrust(value: TrustProxy): boolean {
  try {
    createOrigination(value);
    return true;
  } catch {
    return false;
  }
}
