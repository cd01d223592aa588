import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { pageAt } from "../packaged-docs.ts";

const root = join(import.meta.dir, "../..");

/** Pages outside of `docs`, and their places on the site. */
const moved: Readonly<Record<string, string>> = {
  "README.md": "index.md",
  "src/protocol/PROTOCOL.md": "protocol.md",
  "src/SPEC.md": "spec.md",
  "ARCHITECTURE.md": "architecture.md",
  "CONTRIBUTING.md": "contributing.md",
};

/** Where each page, picture and schema of the repository goes, below the folder of the site's sources. Files in `public` are served as they are. */
export function sitePlaces(): ReadonlyMap<string, string> {
  const names = readdirSync(join(root, "docs"));
  const pages = names.filter((name) => name.endsWith(".md"));
  const files = names.filter((name) => /\.(sql|json|jsonl)$/.test(name) && name !== "tsconfig.json");
  const pictures = readdirSync(join(root, "docs/page"));
  return new Map([
    ...Object.entries(moved),
    ...pages.map((name) => [`docs/${name}`, name] as const),
    ...files.map((name) => [`docs/${name}`, `public/${name}`] as const),
    ["src/web/favicon.svg", "public/favicon.svg"],
    ...pictures.map((name) => [`docs/page/${name}`, `page/${name}`] as const),
  ]);
}

/** Writes the sources of the site into a folder, which is emptied first. */
export function writePages(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
  const places = sitePlaces();
  // A file in `public` is reached beside the pages.
  const reached = new Map([...places].map(([from, to]) => [from, to.replace(/^public\//, "")]));
  for (const [from, to] of places) {
    const path = join(folder, to);
    mkdirSync(dirname(path), { recursive: true });
    if (from.endsWith(".md")) writeFileSync(path, pageAt(from, reached));
    else copyFileSync(join(root, from), path);
  }
}

/** The title of a page: its first heading. */
export function titleOf(path: string): string {
  const [, title] = /^# (.+)$/m.exec(readFileSync(path, "utf8")) ?? [];
  if (title === undefined) throw new Error(`${path} has no heading`);
  return title;
}
