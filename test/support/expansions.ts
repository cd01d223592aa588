/** The common table expressions of a statement, by their names, and what follows them. */
function parts(sql: string): { readonly bodies: ReadonlyMap<string, string>; readonly rest: string } {
  const bodies = new Map<string, string>();
  const head = /(?:\bWITH(?:\s+RECURSIVE)?|,)\s+(\w+)\s*(?:\([^()]*\)\s*)?AS\s*(?:MATERIALIZED\s*)?\(/g;
  let rest = sql;
  for (let match = head.exec(sql); match; match = head.exec(sql)) {
    let depth = 1;
    let end = head.lastIndex;
    for (; depth > 0 && end < sql.length; end++) depth += sql[end] === "(" ? 1 : sql[end] === ")" ? -1 : 0;
    bodies.set(match[1] ?? "", sql.slice(head.lastIndex, end - 1));
    rest = sql.slice(end);
    head.lastIndex = end;
    // Only what directly follows is one more expression.
    if (!/^\s*,/.test(rest)) break;
  }
  return { bodies, rest };
}

/**
 * How many common table expressions SQLite plans when it prepares a statement: one for each mention, with all that it mentions itself. Materialized
 * ones are evaluated once, but planned as often.
 */
export function expansionsOf(sql: string): number {
  const { bodies, rest } = parts(sql);
  const known = new Map<string, number>();
  const inText = (text: string, self?: string): number =>
    [...text.matchAll(/\b(?:FROM|JOIN)\s+(\w+)/g)].reduce(
      (sum, [, name = ""]) => sum + (name === self ? 0 : of(name)),
      0,
    );
  function of(name: string): number {
    const body = bodies.get(name);
    if (body === undefined) return 0;
    const count = known.get(name) ?? 1 + inText(body, name);
    known.set(name, count);
    return count;
  }
  return inText(rest);
}
