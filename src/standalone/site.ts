import { Hono } from "hono";
import { etag } from "hono/etag";
import type { Chat } from "../chat.ts";
import type { Config } from "./config.ts";
import { demo } from "../access/demo.ts";
import type { Peer } from "../access/peer.ts";
import { createLog } from "../internal/logger.ts";
import { problem } from "../protocol/problem.ts";
import { openDocs } from "./docs-folder.ts";
import { gzipped, openApiFile, pageRestAddress, webFile, webScript } from "./web-file.ts";

const log = createLog(["tidings", "server"]);

/** In a browser the page may run its own script and talk to its own server, and nothing else. */
const pageHeaders = {
  "Content-Security-Policy": [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    // Covers the WebSocket of this origin too (CSP3, scheme-part match).
    "connect-src 'self'",
    "form-action 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
    // A browser that knows these two refuses innerHTML and its like altogether.
    "require-trusted-types-for 'script'",
    // The one exception: the address of the service worker, and no other (src/web/push.ts).
    "trusted-types tidings-worker",
  ].join("; "),
  "X-Content-Type-Options": "nosniff",
  "Referrer-Policy": "no-referrer",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Cache-Control": "no-cache",
};

/** A weight of 0 means: not this one. */
const acceptsGzip = /\bgzip\b(?!\s*;\s*q=0(?:\.0*)?\s*(?:,|$))/i;

/**
 * The routes of the standalone server beside the chat's own: health, readiness, the page, and the documentation where it is asked for.
 *
 * @throws ChatError `config_invalid` where the folder of the documentation has none.
 */
export async function siteOf(
  chat: Chat,
  config: Config,
): Promise<(request: Request, peer?: Peer) => Promise<Response>> {
  const { auth } = config;
  const isHostAllowed = auth.kind === "demo" ? demo({ anywhere: auth.anywhere }).isHostAllowed : () => true;
  const json = (status: number, body: object): Response =>
    Response.json(body, { status, headers: { "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff" } });
  const file = (type: string, body: string): Response =>
    new Response(body, { headers: { ...pageHeaders, "Content-Type": type } });
  const compressible = (request: Request, type: string, body: string): Response => {
    const isGzip = acceptsGzip.test(request.headers.get("accept-encoding") ?? "");
    const headers = { ...pageHeaders, "Content-Type": type, Vary: "Accept-Encoding" };
    return isGzip
      ? new Response(gzipped(body), { headers: { ...headers, "Content-Encoding": "gzip" } })
      : new Response(body, { headers });
  };

  // On Bun the URL of an HTTP/1.0 request without Host is only its path.
  const site = new Hono<{ Bindings: Peer }>({
    getPath: ({ url }) => new URL(url.startsWith("/") ? `http://localhost${url}` : url).pathname,
  });
  // Probes may use any host name.
  site.get("/healthz", () => json(200, { status: "ok" }));
  site.get("/readyz", () => {
    const trouble = chat.trouble();
    return trouble === null ? json(200, { status: "ready" }) : json(503, { status: "unavailable", trouble });
  });
  site.use(async ({ req, env }, next) => (isHostAllowed(req.raw) ? await next() : chat.fetch(req.raw, env)));
  // The page need not ask for /config.json before it can begin.
  const page = async (): Promise<string> =>
    (await webFile("page.html"))
      .replace('data-auth="demo"', `data-auth="${auth.kind}"`)
      .replace("/page-rest.js", await pageRestAddress());
  site.get("/", async () => file("text/html; charset=utf-8", await page()));
  // Browsers ask again each time (no-cache); with the ETag an unchanged file is answered with 304.
  for (const name of ["early.js", "page.js"] as const)
    site.get(`/${name}`, etag(), async ({ req }) =>
      compressible(req.raw, "text/javascript; charset=utf-8", await webScript(name)),
    );
  // The page of another release gets none: it says so, and can be loaded again.
  site.get("/page-rest.js", etag(), async ({ req, notFound }) => {
    const version = req.query("v");
    if (version !== undefined && !(await pageRestAddress()).endsWith(`=${version}`)) return notFound();
    return compressible(req.raw, "text/javascript; charset=utf-8", await webScript("page-rest.js"));
  });
  // One request for both: the chat's style, which the element has too, and that of the page around it.
  site.get("/page.css", etag(), async ({ req }) =>
    compressible(req.raw, "text/css; charset=utf-8", `${await webFile("chat.css")}\n${await webFile("page.css")}`),
  );
  // The element is for any page, and a module of another origin needs its permission.
  site.get("/tidings-chat.js", etag(), async ({ req }) => {
    const response = compressible(req.raw, "text/javascript; charset=utf-8", await webScript("tidings-chat.js"));
    response.headers.set("Access-Control-Allow-Origin", "*");
    response.headers.set("Cross-Origin-Resource-Policy", "cross-origin");
    return response;
  });
  // At the root, so that it may serve every page. Browsers replace their worker only if the file's bytes differ.
  site.get("/push-worker.js", async () => file("text/javascript; charset=utf-8", await webFile("push-worker.js")));
  site.get("/favicon.svg", async () => file("image/svg+xml", await webFile("favicon.svg")));
  site.get("/openapi.json", etag(), async ({ req }) => compressible(req.raw, "application/json", await openApiFile()));
  site.get("/config.json", () => json(200, { auth: auth.kind }));
  if (config.docsFolder !== undefined) {
    const docs = await openDocs(config.docsFolder);
    site.get("/docs", ({ redirect }) => redirect("/docs/", 308));
    site.get("/docs/*", etag(), async ({ req, notFound }) => (await docs.file(req.path)) ?? notFound());
  }
  for (const path of new Set(site.routes.filter(({ method }) => method === "GET").map((route) => route.path)))
    site.all(path, () =>
      problem("method_not_allowed", "This address is only read", { headers: { Allow: "GET, HEAD" } }),
    );
  site.all("*", ({ req, env }) => chat.fetch(req.raw, env));
  site.onError((error, { req }) => {
    log.error("a page could not be made", { error, path: req.path });
    return problem("internal", "The page could not be made");
  });
  return async (request, peer = {}) => await site.fetch(request, { ...peer });
}
