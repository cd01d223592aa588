/** A part of a message's text. */
export type Part = { readonly text: string; readonly href?: string };

/** The addresses that become links: those that name the web, up to a space or a sign that ends a sentence. */
const address = /\bhttps?:\/\/[^\s<>"'`\u2066-\u2069\u202A-\u202E]+/gi;
const partsMax = 200;

/** Splits a text at the addresses in it. Nothing but http and https becomes a link. */
export function partsOf(text: string): readonly Part[] {
  const parts: Part[] = [];
  let at = 0;
  for (const match of text.matchAll(address)) {
    if (parts.length >= partsMax) break;
    const shown = withoutPunctuation(match[0]);
    if (!URL.canParse(shown)) continue;
    if (match.index > at) parts.push({ text: text.slice(at, match.index) });
    parts.push({ text: shown, href: new URL(shown).href });
    at = match.index + shown.length;
  }
  if (at < text.length || parts.length === 0) parts.push({ text: text.slice(at) });
  return parts;
}

/** A sentence may end after an address, and a bracket may close that was opened before it. From the end, and one step a sign: a text may be full of them. */
function withoutPunctuation(found: string): string {
  const signs = found.includes("(") ? endings : `${endings})`;
  let end = found.length;
  while (end > 0 && signs.includes(found.charAt(end - 1))) end -= 1;
  return found.slice(0, end);
}

const endings = ".,;:!?…'\"";

/** Each emoji is taken whole and never in another way: a tone of skin is both an emoji and a part of one, and a row of them could be cut in millions of ways. */
const emoji =
  /^(?:(?=((?:\p{RI}{2}|\p{Emoji_Presentation}|\p{Extended_Pictographic}\uFE0F?)[\p{EMod}\uFE0F\u{E0020}-\u{E007F}]*(?:\u200D\p{Extended_Pictographic}[\p{EMod}\uFE0F]*)*))\1\s*){1,6}$/u;

/** Up to six emoji and nothing else. None begins with a sign of ASCII: for most texts the browser need not prepare the expression, which takes it long. */
export const isEmojiOnly = (text: string): boolean => text.length <= 96 && text > "\u007F" && emoji.test(text);

const previewMax = 120;
/** Made for the first text that is cut: it takes the browser as long as a drawing. */
let segmenter: Intl.Segmenter | null = null;

function signsOf(line: string): Iterable<string> {
  if (typeof Intl.Segmenter === "undefined") return line;
  segmenter ??= new Intl.Segmenter();
  return [...segmenter.segment(line)].map(({ segment }) => segment);
}

/** The beginning of a text on one line. It is cut between signs as people see them, never inside one. */
export function previewOf(text: string): string {
  const line = text
    .slice(0, 4 * previewMax)
    .replace(/\s+/g, " ")
    .trim();
  if (line.length <= previewMax && text.length <= 4 * previewMax) return line;
  let cut = "";
  for (const sign of signsOf(line)) {
    if (cut.length + sign.length > previewMax) break;
    cut += sign;
  }
  return `${cut}…`;
}

/** What is sent of what was typed: the server takes neither a NUL nor half a character. Indentation stays; blank lines around are left out. */
export const contentOf = (typed: string): string =>
  typed
    .replaceAll("\0", "")
    .toWellFormed()
    .replace(/^(?:[^\S\n]*\n)+/, "")
    .trimEnd();

const encoder = new TextEncoder();

export const bytesOf = (text: string): number => encoder.encode(text).length;
