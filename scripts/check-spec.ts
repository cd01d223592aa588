/**
 * Every rule of src/SPEC.md is cited by the name of a test, and every cited rule exists.
 *
 *   bun scripts/check-spec.ts
 *
 * A rule is a line that starts with its bold number: `- **D1** An accepted message …`. A test cites it as a word of its
 * name: `test("D1 O2: accepted survives kill -9", …)`; the name of a `describe` counts for what is in it.
 *
 * Each rule of the promise (D, O, T, R) has a control too, `test("control: D1 …", …)`: a planted bug under which its tests go
 * red, so that they are known to be able to.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { lineAt, scan, type Source } from "./source.ts";
import { reportViolations, repositoryRoot } from "./violations.ts";

const ruleLine = /^\s*(?:[-*]\s+)?\*\*([A-Z]{1,2}\d{1,3}[a-z]?)\*\*/;
const ruleWord = /\b[A-Z]{1,2}\d{1,3}[a-z]?\b/g;
/** The citations at the beginning of a name. */
const leadingRules = /^(?:[A-Z]{1,2}\d{1,3}[a-z]?[\s,:]*)+/;

/** The families of rules that are the promise. */
const promised = ["D", "O", "T", "R"];
const controlName = /^control: /;

type Name = { readonly place: string; readonly text: string };

/** Every violation under `root`, as a line for people. */
export function checkSpec(root: string): readonly string[] {
  const violations: string[] = [];
  const rules = new Map<string, number>();
  for (const [index, line] of readFileSync(join(root, "src/SPEC.md"), "utf8").split("\n").entries()) {
    const [, rule] = ruleLine.exec(line) ?? [];
    if (rule === undefined) continue;
    const first = rules.get(rule);
    if (first === undefined) rules.set(rule, index + 1);
    else violations.push(`src/SPEC.md:${index + 1} ${rule} is already at line ${first}`);
  }
  if (rules.size === 0) violations.push("src/SPEC.md has no rules");

  const families = new Set([...rules.keys()].map(familyOf));
  const cited = new Set<string>();
  const controlled = new Set<string>();
  for (const { place, text } of testNames(root)) {
    const [leading = ""] = leadingRules.exec(text) ?? [];
    for (const { 0: rule, index } of text.matchAll(ruleWord)) {
      if (rules.has(rule)) (controlName.test(text) ? controlled : cited).add(rule);
      else if (families.has(familyOf(rule)) || index < leading.length)
        violations.push(`${place} cites ${rule}, which src/SPEC.md does not have`);
    }
  }
  for (const [rule, line] of rules) {
    if (!cited.has(rule)) violations.push(`src/SPEC.md:${line} ${rule} is cited by no test`);
    if (promised.includes(familyOf(rule)) && !controlled.has(rule))
      violations.push(`src/SPEC.md:${line} ${rule} has no control`);
  }
  return violations;
}

function familyOf(rule: string): string {
  return rule.replace(/\d.*$/, "");
}

function testNames(root: string): readonly Name[] {
  const files = [...new Bun.Glob("test/**/*.{test,contract}.ts").scanSync({ cwd: root })].sort();
  return files.flatMap((file) => {
    const text = readFileSync(join(root, file), "utf8");
    return namesIn(text).map(({ at, value }) => ({ place: `${file}:${lineAt(text, at)}`, text: value }));
  });
}

/** The strings that a call of `test`, `it` or `describe` starts with, modifiers (`.each(…)`, `.skipIf(…)`) left aside. */
function namesIn(text: string): readonly { readonly at: number; readonly value: string }[] {
  const source = scan(text);
  return [...source.code.matchAll(/(?<![.\w$])(?:test|it|describe)\w*(?:\.\w+)*\s*\(/g)].flatMap((call) => {
    const open = call.index + call[0].length;
    const close = endOfArguments(source.code, open);
    const [again = null] = /^\s*\(/.exec(source.code.slice(close)) ?? [];
    return again === null ? leadingStrings(source, open) : leadingStrings(source, close + again.length);
  });
}

/** The offset after the `)` of a call with arguments that start at `open`. */
function endOfArguments(code: string, open: number): number {
  let depth = 1;
  let at = open;
  for (; at < code.length && depth > 0; at++) {
    if (code[at] === "(") depth += 1;
    if (code[at] === ")") depth -= 1;
  }
  return at;
}

function leadingStrings({ code, literals }: Source, open: number): { at: number; value: string }[] {
  const strings: { at: number; value: string }[] = [];
  for (let at = open; ;) {
    at += /^\s*/.exec(code.slice(at))?.[0].length ?? 0;
    const literal = literals.get(at);
    if (literal === undefined) return strings;
    strings.push(literal);
    at += literal.value.length + 2;
    const [comma] = /^\s*,/.exec(code.slice(at)) ?? [];
    if (comma === undefined) return strings;
    at += comma.length;
  }
}

if (import.meta.main) reportViolations(checkSpec(repositoryRoot));
