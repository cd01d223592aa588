import { readFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dir, "../..");

/** A fenced block of a page: its language, what stands behind that, and its text. */
export type Block = {
  readonly page: string;
  readonly language: string;
  readonly info: string;
  readonly text: string;
};

/** The fenced blocks of a page, which is named from the root. */
export function blocksOf(page: string): readonly Block[] {
  const text = readFileSync(join(root, page), "utf8");
  return [...text.matchAll(/^```(\w+)(.*)\n([\s\S]*?)^```$/gm)].map(([, language = "", info = "", body = ""]) => ({
    page,
    language,
    info: info.trim(),
    text: body,
  }));
}
