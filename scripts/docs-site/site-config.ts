import { join } from "node:path";
import { titleOf } from "./pages.ts";
import { sections } from "./sidebar.ts";

const pages = join(import.meta.dirname, "pages");

/** As GitHub names a heading, so that links into pages hold in both places. */
const headingName = (title: string): string =>
  title
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
    .replaceAll(" ", "-");

/** VitePress's `UserConfig`; its type is not imported, as the package is installed only where the site is built. */
export const siteConfig = {
  title: "Tidings",
  description: "Durable chat that mounts in the server you already have",
  base: "/docs/",
  srcDir: "pages",
  cacheDir: ".cache",
  head: [["link", { rel: "icon", href: "/docs/favicon.svg" }]],
  // A list of the pages in a file of its own: the page needs no script inside.
  metaChunk: true,
  markdown: {
    // Pages are written for GitHub, which shows no component.
    html: false,
    anchor: { slugify: headingName },
  },
  themeConfig: {
    search: { provider: "local" },
    outline: [2, 3],
    sidebar: sections.map(({ title, pages: names }) => ({
      text: title,
      items: names.map((name) => ({
        text: titleOf(join(pages, `${name}.md`)),
        link: name === "index" ? "/" : `/${name}`,
      })),
    })),
  },
};
