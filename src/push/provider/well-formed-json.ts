/** A value as JSON. Text that was cut within a character is mended: not every parser takes half of one. */
export function wellFormedJson(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) => (typeof part === "string" ? part.toWellFormed() : part));
}
