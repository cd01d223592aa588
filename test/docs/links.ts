import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** Links of a page below a folder that lead to no file there, or to no heading of a page. */
export function linkFaults(folder: string, path: string): readonly string[] {
  const links = readFileSync(join(folder, path), "utf8").matchAll(/\]\((?!\w+:)([^)#\s]*)(?:#([^)\s]*))?\)/g);
  return [...links].flatMap(([, target = "", hash]) => {
    const file = target === "" ? path : join(dirname(path), target);
    if (!existsSync(join(folder, file))) return [`${path} links to ${target}, which is not there`];
    if (hash === undefined || headingsOf(readFileSync(join(folder, file), "utf8")).includes(hash)) return [];
    return [`${path} links to ${target}#${hash}, and there is no such heading`];
  });
}

/** The names by which links reach the headings of a page. */
const headingsOf = (text: string): readonly string[] =>
  [...text.matchAll(/^#+ (.+)$/gm)].map(([, title = ""]) =>
    title
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
