import { createHash } from "node:crypto";
import { readFile, realpath, stat } from "node:fs/promises";
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

/** What `bun run docs` writes. A file with another ending is none of the site. */
const types: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json",
  ".jsonl": "text/plain; charset=utf-8",
  ".sql": "text/plain; charset=utf-8",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".woff2": "font/woff2",
};

/** No hidden name, no `..`, nothing encoded, no separator of another system. */
const namePattern = /^[^.%\\\0][^%\\\0]*$/;

/** The file was removed, or never was. */
const absentCodes: readonly unknown[] = ["ENOENT", "ENOTDIR", "ENAMETOOLONG", "ELOOP"];

/**
 * Opens a folder that `bun run docs` has built. Each request reads it anew, so that a new build needs no restart.
 *
 * @throws ChatError `config_invalid` where the folder has no site.
 */
export async function openDocs(folder: string): Promise<Docs> {
  const docs: Docs = {
    async file(path) {
      const name = nameOf(path);
      const type = name === null ? undefined : types[extname(name)];
      if (name === null || type === undefined) return null;
      const bytes = await read(folder, name).catch((fault: unknown) => {
        if (absentCodes.includes(codeOf(fault))) return null;
        throw fault;
      });
      return bytes && new Response(bytes, { headers: { ...headersOf(path, type, bytes), "Content-Type": type } });
    },
  };
  const index = await docs.file("/docs/").catch((cause: unknown) => {
    throw new ChatError("config_invalid", `DOCS_FOLDER: ${folder} cannot be read: ${String(cause)}`, { cause });
  });
  if (index === null)
    throw new ChatError("config_invalid", `DOCS_FOLDER: ${folder} has no index.html; "bun run docs" builds the site`);
  return docs;
}

/** The file that a path names, within the folder. */
function nameOf(path: string): string | null {
  if (!path.startsWith("/docs/")) return null;
  const name = path.slice("/docs/".length) + (path.endsWith("/") ? "index.html" : "");
  return name.split("/").every((part) => namePattern.test(part)) ? name : null;
}

/** Links may lead from one file of the site to another, and nowhere else. */
async function read(folder: string, name: string): Promise<Uint8Array<ArrayBuffer> | null> {
  const root = await realpath(folder);
  const file = await realpath(join(root, name));
  const isInside = file.startsWith(root.endsWith(sep) ? root : root + sep) && extname(file) === extname(name);
  return isInside && (await stat(file)).isFile() ? await readFile(file) : null;
}

const codeOf = (fault: unknown): unknown => (fault instanceof Error && "code" in fault ? fault.code : undefined);

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
