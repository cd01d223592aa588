/** A value as JSON. A lone surrogate is replaced: some parsers refuse it. */
export function wellFormedJson(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) => (typeof part === "string" ? part.toWellFormed() : part));
}
