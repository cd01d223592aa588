/** A Markdown table, its columns of even width. */
export function toTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(" | ")} |`;
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)].join("\n");
}

/** A page's text with something made by a program in its place, between `<!-- name -->` and `<!-- /name -->`. */
export function withPart(text: string, name: string, part: string): string {
  const [begin, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const [before, rest] = [text.indexOf(begin), text.indexOf(end)];
  if (before === -1 || rest === -1) throw new Error(`The page lacks ${begin} … ${end}`);
  return `${text.slice(0, before + begin.length)}\n\n${part}\n\n${text.slice(rest)}`;
}
