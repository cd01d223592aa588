/** An option of a type, as its source has it. */
export type Member = {
  /** Several names share one comment, such as a delay and its maximum. */
  readonly names: readonly string[];
  /** The type of each, or the value. */
  readonly values: readonly string[];
  readonly isOptional: boolean;
  /** Its doc comment, as one text. */
  readonly about: string;
};

/** The lines between the line that starts with `opening` and the one that closes it. */
export function bodyOf(source: string, opening: string): readonly string[] {
  const lines = source.split("\n");
  const from = lines.findIndex((line) => line.startsWith(opening));
  const to = lines.findIndex((line, index) => index > from && line.startsWith("}"));
  if (from === -1 || to === -1) throw new Error(`There is no ${opening} … }`);
  return lines.slice(from + 1, to);
}

/** A declaration with its own doc comment, unchanged. */
export function declarationOf(source: string, opening: string): string {
  const lines = source.split("\n");
  const at = lines.findIndex((line) => line.startsWith(opening));
  if (at === -1) throw new Error(`There is no ${opening}`);
  const end = lines.findIndex((line, index) => index >= at && /^\S.*;$|^\};?$/.test(line));
  let from = at;
  if (lines[at - 1]?.trimEnd().endsWith("*/"))
    do from--;
    while (!lines[from]?.startsWith("/**"));
  return lines.slice(from, end + 1).join("\n");
}

/**
 * The members of a type or of an object, with their doc comments; those that follow each other without a comment between them share one.
 *
 * @param lines As `bodyOf` gives them.
 * @throws Error for a line that is neither a comment nor a member, and for a member without a comment: nothing is left out in silence.
 */
export function membersOf(lines: readonly string[]): readonly Member[] {
  const members: Member[] = [];
  let comment: string[] | null = null;
  let isInComment = false;
  for (const line of lines) {
    if (line.trim() === "") continue;
    if (line.startsWith("  /**")) {
      isInComment = true;
      comment = [];
    }
    if (isInComment) {
      comment?.push(line.replace(/^\s*(\/\*\*|\*(?!\/))?\s?/, "").replace(/\s*\*\/\s*$/, ""));
      isInComment = !line.includes("*/");
      continue;
    }
    const [, name = "", optional = "", value = ""] = /^ {2}(?:readonly )?(\w+)(\??): (.*)[;,]$/.exec(line) ?? [];
    if (name === "") throw new Error(`This line is not understood: ${line}`);
    const last = members.at(-1);
    if (comment !== null)
      members.push({ names: [name], values: [value], isOptional: optional !== "", about: oneText(comment) });
    else if (last !== undefined)
      members.splice(-1, 1, { ...last, names: [...last.names, name], values: [...last.values, value] });
    else throw new Error(`${name} has no comment`);
    comment = null;
  }
  return members;
}

/** Leaves examples out: their line breaks matter. */
const oneText = (lines: readonly string[]): string =>
  lines
    .slice(0, lines.includes("@example") ? lines.indexOf("@example") : lines.length)
    .map((line) => line.trim())
    .filter((line) => line !== "")
    .join(" ");
