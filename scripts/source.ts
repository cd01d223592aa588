/** A string of the source: the offset of its opening quote, and the text between the quotes, escapes as written. */
export type Literal = { readonly at: number; readonly value: string };

/** TypeScript with comments, and the insides of strings and regular expressions, blanked out; offsets and lines stay. */
export type Source = { readonly code: string; readonly literals: ReadonlyMap<number, Literal> };

/** After these a slash starts a regular expression, otherwise it divides. */
const beforeRegExp = /(^|[([{,;:=!&|?+\-*%<>~^}]|\b(return|typeof|case|of|in|do|else|await|yield|void|delete))$/;

/**
 * Blanks everything but code, so that plain patterns can be searched in the rest. It works on any text, without the compiler, and
 * sees type imports, which Bun's own scanner leaves out. A string with `${}` counts as one string; the code inside is not searched.
 */
export function scan(text: string): Source {
  const literals = new Map<number, Literal>();
  let code = "";
  let at = 0;
  const blankTo = (end: number): void => {
    code += text.slice(at, end).replace(/[^\n]/g, " ");
    at = end;
  };
  const keep = (count: number): void => {
    code += text.slice(at, at + count);
    at += count;
  };
  while (at < text.length) {
    const char = text.charAt(at);
    const two = text.slice(at, at + 2);
    if (two === "//" || two === "/*") {
      blankTo(endAfter(text, two === "//" ? "\n" : "*/", at + 2, two === "//"));
    } else if (char === '"' || char === "'" || char === "`") {
      const end = endOfString(text, at);
      literals.set(at, { at, value: text.slice(at + 1, end - 1) });
      keep(1);
      blankTo(end - 1);
      keep(1);
    } else if (char === "/" && beforeRegExp.test(code.trimEnd())) {
      blankTo(endOfRegExp(text, at));
    } else {
      keep(1);
    }
  }
  return { code, literals };
}

/** The line of an offset, counted from 1. */
export function lineAt(text: string, at: number): number {
  return text.slice(0, at).split("\n").length;
}

function endAfter(text: string, end: string, from: number, isBefore: boolean): number {
  const found = text.indexOf(end, from);
  if (found === -1) return text.length;
  return isBefore ? found : found + end.length;
}

function endOfString(text: string, start: number): number {
  const quote = text.charAt(start);
  let at = start + 1;
  while (at < text.length && text.charAt(at) !== quote) {
    if (text.charAt(at) === "\\") at += 2;
    else if (quote === "`" && text.startsWith("${", at)) at = endOfSubstitution(text, at + 2);
    else at += 1;
  }
  return Math.min(at + 1, text.length);
}

function endOfSubstitution(text: string, start: number): number {
  let depth = 1;
  let at = start;
  while (at < text.length && depth > 0) {
    const char = text.charAt(at);
    if (char === '"' || char === "'" || char === "`") {
      at = endOfString(text, at);
    } else {
      if (char === "{") depth += 1;
      if (char === "}") depth -= 1;
      at += 1;
    }
  }
  return at;
}

function endOfRegExp(text: string, start: number): number {
  let isInClass = false;
  for (let at = start + 1; at < text.length; at++) {
    const char = text.charAt(at);
    if (char === "\n") return at;
    if (char === "\\") at += 1;
    else if (char === "[") isInClass = true;
    else if (char === "]") isInClass = false;
    else if (char === "/" && !isInClass) return at + 1;
  }
  return text.length;
}
