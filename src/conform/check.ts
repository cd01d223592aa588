import { isDeepStrictEqual } from "node:util";
import { Failure } from "./case.ts";

/** @throws Failure with `text` unless `holds`. */
export function ensure(holds: unknown, text: string): asserts holds {
  if (!holds) throw new Failure(text);
}

/** @throws Failure unless the two are equal, with all that is in them. */
export function ensureSame(found: unknown, options: { readonly expected: unknown; readonly what: string }): void {
  const { expected, what } = options;
  if (!isDeepStrictEqual(found, expected)) throw new Failure(`${what}: expected ${show(expected)}, got ${show(found)}`);
}

/** A value in a line of a report. */
export function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 300 ? `${text.slice(0, 300)}…` : text;
}

/** How often a wait looks again. */
const lookMs = 10;

export type Wait = {
  /** What is awaited, after "waited for". */
  readonly what: string;
  readonly ms: number;
  /** What to say besides when it does not come. */
  readonly seen?: () => string;
};

/** Resolves with what `look` finds. @throws Failure: it has found nothing in the time. */
export async function until<T>(look: () => T | undefined | null | false, { what, ms, seen }: Wait): Promise<T> {
  const end = Date.now() + ms;
  for (;;) {
    const found = look();
    if (found !== undefined && found !== null && found !== false) return found;
    if (Date.now() >= end) throw new Failure(`waited ${ms} ms for ${what}${seen === undefined ? "" : `; ${seen()}`}`);
    await sleep(lookMs);
  }
}

export const sleep = async (ms: number): Promise<void> => {
  await new Promise<void>((resolve) => void setTimeout(resolve, ms));
};
