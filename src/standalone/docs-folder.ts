import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { extname, join, sep } from "node:path";
import { ChatError } from "../error.ts";

/** The documentation as a site, below `/docs/`. */
export type Docs = {
  /**
   * @param path Of the request, such as `/docs/push.html`.
   * @returns Null where the site has no such file.
   */
  file(path: string): Promise<Response | null>;
};

const types: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".woff2": "font/woff2",
};

/**
 * Opens a folder that `bun run docs` has built. Its files are listed once: a request can only name one of these.
 *
 * @throws ChatError `config_invalid` where the folder has no site.
 */
export async function openDocs(folder: string): Promise<Docs> {
  const names = await readdir(folder, { recursive: true }).catch(() => [] as readonly string[]);
  const files = new Map(
    names.filter((name) => extname(name) !== "").map((name) => [`/docs/${name.split(sep).join("/")}`, name]),
  );
  if (!files.has("/docs/index.html"))
    throw new ChatError("config_invalid", `DOCS_FOLDER: ${folder} has no index.html; "bun run docs" builds the site`);
  return {
    async file(path) {
      const name = files.get(path.endsWith("/") ? `${path}index.html` : path);
      if (name === undefined) return null;
      const bytes = await readFile(join(folder, name));
      const type = types[extname(name)] ?? "text/plain; charset=utf-8";
      return new Response(bytes, { headers: { ...headersOf(path, type, bytes), "Content-Type": type } });
    },
  };
}

function headersOf(path: string, type: string, bytes: Uint8Array): Record<string, string> {
  return {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    // The names of assets have a hash of what they hold.
    "Cache-Control": path.startsWith("/docs/assets/") ? "max-age=31536000, immutable" : "no-cache",
    ...(type.startsWith("text/html") && { "Content-Security-Policy": policyOf(Buffer.from(bytes).toString()) }),
  };
}

/** A page may run the site's scripts, and those that stand in it as it was built. Its code samples have their colours in style attributes. */
function policyOf(page: string): string {
  const inside = [...page.matchAll(/<script(?![^>]*\ssrc=)[^>]*>([^]*?)<\/script>/g)].map(
    ([, text = ""]) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`,
  );
  return [
    "default-src 'none'",
    ["script-src 'self'", ...inside].join(" "),
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
}
