import * as v from "valibot";
import { ChatError } from "../error.ts";
import { createOrigination, type TrustProxy } from "../access/peer.ts";
import type { Rate } from "../internal/buckets.ts";
import { present } from "../internal/present.ts";
import { isSafeUrl } from "../internal/safe-url.ts";

/** A variable that does not fit the others, and the value that is expected of it. */
export type Fault<Name extends string> = readonly [name: Name, expected: string];

/** A variable with a text that fulfils `is`; `expected` describes such a text. */
export const variable = (is: (text: string) => boolean, expected: string) => v.pipe(v.string(), v.check(is, expected));

export const oneOf = (texts: readonly string[], expected: string) => variable((text) => texts.includes(text), expected);

export const wholeNumber = ([min, max]: readonly [min: number, max: number], unit = "") =>
  variable(
    (text) => /^[0-9]{1,9}$/.test(text) && Number(text) >= min && Number(text) <= max,
    `a whole number ${unit}from ${min} to ${max}`,
  );

/** A URL that secrets may be sent to. */
export const safeUrl = variable(isSafeUrl, "an https URL without user name, or http on this machine");

/** The texts between commas, trimmed; empty ones are left out. */
export const listOf = (text: string): string[] =>
  text
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");

const rateForm = /^([1-9]\d{0,8}),(\d{1,9}(?:\.\d{1,6})?)$/;

/** A rate: `60,1` is 60 at once and one a second after that. */
export const rate = variable(
  (text) => text === "off" || (rateForm.test(text) && Number(text.split(",")[1]) > 0),
  '"off", or how many at once and how many a second after that, such as 60,1',
);

/** A rate of earlier releases. Now one bucket counts the cost of everything. */
export const goneRate = variable(
  () => false,
  "nothing, for RATE_WORK_USER and RATE_WORK_ADDRESS bound upgrades and requests now, by what they cost",
);

export const ratesOfKind = (user: string | undefined, address: string | undefined) =>
  present({ user: rateOf(user), address: rateOf(address) });

function rateOf(text: string | undefined): Rate | null | undefined {
  if (text === undefined) return undefined;
  const [burst, perS] = text.split(",").map(Number);
  return burst !== undefined && perS !== undefined ? { burst, perS } : null;
}

/** Trusted proxies: how many, or which. */
export const trust = variable(
  (text) => faultOf(() => createOrigination(trustOf(text))) === null,
  "how many proxies there are (0 to 16), or their addresses and ranges with commas",
);

export const trustOf = (text: string): TrustProxy => (/^\d{1,9}$/.test(text) ? Number(text) : listOf(text));

/** The text with which a value is refused; null: it is not. */
export function faultOf(parse: () => unknown): string | null {
  try {
    parse();
    return null;
  } catch (error) {
    if (error instanceof ChatError) return error.message;
    throw error;
  }
}

/** Makes something from the values of variables. A refusal names the variables and does not show the values. */
export function named<T>(variables: string, make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof ChatError)) throw error;
    throw new ChatError("config_invalid", `${variables}: ${error.message}`, { cause: error });
  }
}
