import { fewestOf } from "./options.ts";
import type { PushNotice } from "./provider.ts";

/** The content of a notice, how it is shown, and the host's data for its app. */
export type Content = Pick<PushNotice, "title" | "body" | "data" | "options">;

/** Says that there is a message, without its content. Every provider takes it. */
export const contentFree = { title: "New message", body: "", data: {}, options: {} } as const satisfies Content;

/** Enough for a few lines of a lock screen: for a provider that has refused more. */
const briefTitleGraphemesMax = 40;
const briefBodyGraphemesMax = 100;
/** More than any provider takes: the rest of a text is not looked at. */
const lookedAtCharsMax = 8_192;
/** A family of four with a skin tone each has 19; more of them are hardly a character. */
const charsPerGraphemeMax = 20;
/** Says that there was more. */
const ellipsis = "…";

/** How people count characters does not depend on their language. */
const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" });

/** The ends of the characters, as people see them, in the first `charsMax` of a text. */
function endsOf(text: string, charsMax: number): readonly number[] {
  const looked = text.slice(0, charsMax);
  const ends: number[] = [];
  for (const { index, segment } of graphemes.segment(looked)) ends.push(index + segment.length);
  // The last one may continue in the rest of the text.
  return looked.length < text.length ? ends.slice(0, -1) : ends;
}

const cutAt = (text: string, end: number): string => `${text.slice(0, end).trimEnd()}${ellipsis}`;

/**
 * The longest beginning of a text that is taken, followed by "…" and cut at the end of a character as people see it. The text itself if all of it is
 * taken; empty if not even one character is.
 */
export function shorten(text: string, isTaken: (shortened: string) => boolean): string {
  if (text === "" || isTaken(text)) return text;
  const ends = endsOf(text, lookedAtCharsMax);
  const cut = (count: number): string => cutAt(text, ends[count - 1] ?? 0);
  let [taken, refused] = [0, ends.length + 1];
  while (refused - taken > 1) {
    const middle = (taken + refused) >> 1;
    if (isTaken(cut(middle))) taken = middle;
    else refused = middle;
  }
  return taken === 0 ? "" : cut(taken);
}

/**
 * As much of a content as a provider takes. The body is cut first, then the title. Data belongs to the app and is not cut: if it is too long by itself,
 * it is left out.
 */
export function fit(notice: PushNotice, fits: (notice: PushNotice) => boolean): Content {
  const { title, body, options } = notice;
  const isTaken = (content: Content): boolean => fits({ ...notice, ...content });
  if (isTaken(notice)) return { title, body, data: notice.data, options };
  const data = isTaken({ ...contentFree, options, data: notice.data }) ? notice.data : contentFree.data;
  const shortTitle = shorten(title, (part) => isTaken({ title: part, body: "", data, options }));
  const shortBody = shorten(body, (part) => isTaken({ title: shortTitle, body: part, data, options }));
  return shortTitle === "" && shortBody === ""
    ? { ...contentFree, data, options }
    : { title: shortTitle, body: shortBody, data, options };
}

/** A line or two of a content, without the host's data: for a provider that has refused the whole. */
export const briefOf = ({ title, body, options }: Content): Content => ({
  title: firstOf(title, briefTitleGraphemesMax),
  body: firstOf(body, briefBodyGraphemesMax),
  data: contentFree.data,
  options,
});

/** No content: every provider takes it. */
export const nothingOf = ({ options }: Content): Content => ({ ...contentFree, options: fewestOf(options) });

/** The first characters of a text, as people count them. */
function firstOf(text: string, graphemesMax: number): string {
  const charsMax = graphemesMax * charsPerGraphemeMax;
  const ends = endsOf(text, charsMax);
  const end = ends[graphemesMax - 1] ?? ends.at(-1) ?? 0;
  return end === text.length ? text : end === 0 ? "" : cutAt(text, end);
}

/** Whether a device would show the same. */
export const isSameContent = (one: Content, other: Content): boolean =>
  one.title === other.title &&
  one.body === other.body &&
  JSON.stringify([one.data, one.options]) === JSON.stringify([other.data, other.options]);
