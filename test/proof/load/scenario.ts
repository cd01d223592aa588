import type { AlteredOptions } from "../../support/alteration.ts";
import type { RunningServer } from "../../support/server.ts";

/** The findings of a scenario: an empty list of violations means that its rule held. */
export type Outcome = {
  readonly violations: readonly string[];
  /** The measurements, with their units in the names. */
  readonly figures: Readonly<Record<string, number>>;
};

/** Starts the server that is tried: the real one, or one with a planted bug. */
export type StartTried = (options?: AlteredOptions) => Promise<RunningServer>;

export const none = undefined as never;

/** The same violations, each with its rule and its figures, as one text for people. */
export function describeOutcome({ violations, figures }: Outcome): string {
  const numbers = Object.entries(figures).map(([name, value]) => `${name} ${Math.round(value * 100) / 100}`);
  return `${violations.join("; ") || "nothing wrong"} (${numbers.join(", ")})`;
}
