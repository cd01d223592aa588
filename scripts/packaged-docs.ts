import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";

const root = join(import.meta.dir, "..");

/** Pages of which the repository alone has what they speak of. */
const left = ["docs/proof.md", "docs/publishing.md"];

/** Where the package has what stands elsewhere in the repository. */
const moved: Readonly<Record<string, string>> = {
  "src/protocol/PROTOCOL.md": "docs/PROTOCOL.md",
  "src/SPEC.md": "docs/SPEC.md",
  // The one that the server serves.
  "docs/openapi.json": "web/openapi.json",
};

/** What the package carries for people to read: where it is in the repository, and where in the package. */
export function packagedDocs(): ReadonlyMap<string, string> {
  const pages = readdirSync(join(root, "docs"))
    .filter((name) => /\.(md|sql)$/.test(name) || name === "frames.schema.json")
    .map((name) => `docs/${name}`)
    .filter((path) => !left.includes(path))
    .sort();
  return new Map([...["README.md", ...pages].map((path) => [path, path] as const), ...Object.entries(moved)]);
}

/**
 * A page as the package has it: links lead to where things are there, and what is not there is no link.
 *
 * @param from Where the page is in the repository.
 */
export function packagedPage(from: string, docs: ReadonlyMap<string, string> = packagedDocs()): string {
  const text = readFileSync(join(root, from), "utf8");
  if (!from.endsWith(".md")) return text;
  const to = docs.get(from) ?? from;
  return text.replaceAll(
    /\[([^\]]*)\]\((?!\w+:)([^)#\s]*)(#[^)\s]*)?\)/g,
    (link, shown: string, target: string, hash = "") => {
      if (target === "") return link;
      const source = normalize(join(dirname(from), target));
      if (!existsSync(join(root, source))) throw new Error(`${from} links to ${target}, which is not there`);
      const packaged = docs.get(source);
      return packaged === undefined ? shown : `[${shown}](${relative(dirname(to), packaged)}${hash})`;
    },
  );
}
