import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";

const root = join(import.meta.dir, "..");

/** Pages about things that only the repository has, as the pictures of the page. */
const left = ["docs/page.md", "docs/proof.md", "docs/publishing.md"];

/** Files that have another place in the package than in the repository. */
const moved: Readonly<Record<string, string>> = {
  "src/protocol/PROTOCOL.md": "docs/PROTOCOL.md",
  "src/SPEC.md": "docs/SPEC.md",
  // Beside the page, where the server reads it.
  "docs/openapi.json": "web/openapi.json",
};

/** The section that replaces the README's way to try the repository, which needs a checkout. */
const inPlace = {
  heading: "## Two commands",
  section: `## One command

In an empty folder, with Node and npm on the machine (on [Bun](https://bun.sh): \`bun add tidings && bunx --bun tidings serve\`):

\`\`\`sh
npm install tidings @hono/node-server ws && npx tidings serve
\`\`\`

creates \`tidings.db\`, serves on <http://127.0.0.1:6662/> and prints two links: open both, and alice and bob are chatting. Kill the server with
\`kill -9\` while they write, start it again: nothing is missing. [The standalone server](docs/server.md) has more about it.

`,
};

/** The package's documents for people: the path in the repository, and the path in the package. */
export function packagedDocs(): ReadonlyMap<string, string> {
  const pages = readdirSync(join(root, "docs"))
    .filter((name) => /\.(md|sql)$/.test(name) || name === "frames.schema.json")
    .map((name) => `docs/${name}`)
    .filter((path) => !left.includes(path))
    .sort();
  return new Map([...["README.md", ...pages].map((path) => [path, path] as const), ...Object.entries(moved)]);
}

/**
 * A page for the package: links lead to the paths there, a link to a file that the package lacks becomes text, and the README mentions no checkout.
 *
 * @param from Where the page is in the repository.
 */
export function packagedPage(from: string, docs: ReadonlyMap<string, string> = packagedDocs()): string {
  const page = pageAt(from, docs);
  return from === "README.md" ? withoutCheckout(page) : page;
}

/**
 * A page at another place: its links lead to the new places of other files, and a link to a file that has none becomes text. Other files stay as they are.
 *
 * @param from Where the page is in the repository.
 * @param places The new place of each file that goes with it.
 */
export function pageAt(from: string, places: ReadonlyMap<string, string>): string {
  const text = readFileSync(join(root, from), "utf8");
  if (!from.endsWith(".md")) return text;
  const to = places.get(from) ?? from;
  return text.replaceAll(
    /\[([^\]]*)\]\((?!\w+:)([^)#\s]*)(#[^)\s]*)?\)/g,
    (link, shown: string, target: string, hash = "") => {
      if (target === "") return link;
      const source = normalize(join(dirname(from), target));
      if (!existsSync(join(root, source))) throw new Error(`${from} links to ${target}, which is not there`);
      const place = places.get(source);
      return place === undefined ? shown : `[${shown}](${relative(dirname(to), place)}${hash})`;
    },
  );
}

/**
 * @param readme Of the repository.
 * @throws Error where the section is not there under its heading.
 */
export function withoutCheckout(readme: string): string {
  const begin = readme.indexOf(`${inPlace.heading}\n`);
  const end = readme.indexOf("\n## ", begin) + 1;
  if (begin === -1 || end === 0) throw new Error(`README.md has no section "${inPlace.heading}" with another after it`);
  return readme.slice(0, begin) + inPlace.section + readme.slice(end);
}
