import { type Literal, scan } from "./source.ts";

/** The imports of a text: static, type-only and dynamic imports and re-exports, also `typeof import("…")`. */
export function specifiersOf(text: string): readonly Literal[] {
  const { code, literals } = scan(text);
  return [...code.matchAll(/(?<![.\w$])(?:from|import|require)\s*\(?\s*(?=["'`])/g)].flatMap((match) => {
    const literal = literals.get(match.index + match[0].length);
    return literal === undefined ? [] : [literal];
  });
}
