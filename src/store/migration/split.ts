import { migrationRefused } from "./migration.ts";

/** A token: a string or a quoted name is `other`; white space and comments are no tokens. */
type Token = {
  readonly kind: "word" | "semicolon" | "other";
  readonly text: string;
  readonly start: number;
  readonly end: number;
};

/**
 * Cuts a script into its statements, without their semicolons and outer comments.
 *
 * A semicolon inside a string, a quoted name, a comment or the body of CREATE TRIGGER ends nothing. A trigger
 * ends as SQLite's own `sqlite3_complete` sees it: at the semicolon after an END that follows a semicolon, so
 * the END of a CASE does not end it.
 */
export function split(script: string): string[] {
  const statements: string[] = [];
  let current: Token[] = [];
  const finish = (): void => {
    const first = current[0];
    const last = current.at(-1);
    if (first !== undefined && last !== undefined) statements.push(script.slice(first.start, last.end));
    current = [];
  };
  for (const token of tokensOf(script)) {
    if (token.kind !== "semicolon") current.push(token);
    else if (current.length === 0) continue;
    else if (isTrigger(current) && !isTriggerEnd(current)) current.push(token);
    else finish();
  }
  finish();
  return statements;
}

const triggerStart = /^CREATE (?:TEMP |TEMPORARY )?TRIGGER(?: |$)/i;

function isTrigger(tokens: readonly Token[]): boolean {
  return triggerStart.test(
    tokens
      .slice(0, 3)
      .map(({ text }) => text)
      .join(" "),
  );
}

function isTriggerEnd(tokens: readonly Token[]): boolean {
  return tokens.at(-1)?.text.toUpperCase() === "END" && tokens.at(-2)?.kind === "semicolon";
}

const closers: Readonly<Record<string, string>> = { "'": "'", '"': '"', "`": "`", "[": "]" };
const blank = /\s+|\uFEFF/y;
const word = /[\p{L}_][\p{L}\p{N}_$]*/uy;

function* tokensOf(script: string): Generator<Token> {
  const length = script.length;
  let at = 0;
  while (at < length) {
    const start = at;
    const char = script.charAt(at);
    const closer = closers[char];
    const pair = script.slice(at, at + 2);
    if (pair === "--") {
      const end = script.indexOf("\n", at);
      at = end === -1 ? length : end + 1;
    } else if (pair === "/*") {
      at = endOf(script, at, "*/");
    } else if (match(blank, script, at) !== undefined) {
      at = blank.lastIndex;
    } else if (closer !== undefined) {
      // A doubled quote inside a string reads as two strings side by side, which cuts the same.
      at = endOf(script, at, closer);
      yield { kind: "other", text: char, start, end: at };
    } else if (char === ";") {
      at += 1;
      yield { kind: "semicolon", text: char, start, end: at };
    } else {
      const text = match(word, script, at) ?? char;
      at += text.length;
      yield { kind: text === char && !/[\p{L}_]/u.test(char) ? "other" : "word", text, start, end: at };
    }
  }
}

function match(pattern: RegExp, script: string, at: number): string | undefined {
  pattern.lastIndex = at;
  return pattern.exec(script)?.[0];
}

function endOf(script: string, start: number, closer: string): number {
  const end = script.indexOf(closer, start + 1 + (closer.length - 1));
  if (end !== -1) return end + closer.length;
  const line = script.slice(0, start).split("\n").length;
  throw migrationRefused(`Line ${line} opens ${script.slice(start, start + closer.length)} and never closes it`);
}
