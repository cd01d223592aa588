import { readFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dir, "../..");

/** A fenced block of a page: its language, the rest of that line, its text, and the paragraph before it. */
export type Block = {
  readonly page: string;
  readonly language: string;
  readonly info: string;
  readonly text: string;
  readonly before: string;
};

/** The fenced blocks of a page, which is named from the root. */
export function blocksOf(page: string): readonly Block[] {
  const text = readFileSync(join(root, page), "utf8");
  return [...text.matchAll(/^```(\w+)(.*)\n([\s\S]*?)^```$/gm)].map(
    ({ 1: language = "", 2: info = "", 3: body = "", index }) => ({
      page,
      language,
      info: info.trim(),
      text: body,
      before: text.slice(0, index).trimEnd().split("\n\n").at(-1) ?? "",
    }),
  );
}

/** A server of a page on a free port, in place of the port in the text. */
export function onFreePort(text: string): string {
  return text.replace(/(\bport: |\.listen\()3000\b/, "$10");
}
