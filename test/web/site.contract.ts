import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { RunningServer, Start } from "../support/server.ts";

/** The routes of the standalone server beside the chat's own, on any runtime. */
export function describeSite(runtime: string, start: Start): void {
  describe(`the site on ${runtime}`, () => {
    let server: RunningServer;
    let base: string;
    beforeAll(async () => {
      server = await start();
      base = `http://127.0.0.1:${server.port}`;
    });
    afterAll(() => server.dispose());

    const files = {
      "/": "text/html",
      "/early.js": "text/javascript",
      "/page.js": "text/javascript",
      "/page-rest.js": "text/javascript",
      "/tidings-chat.js": "text/javascript",
      "/page.css": "text/css",
      "/push-worker.js": "text/javascript",
      "/favicon.svg": "image/svg",
      "/openapi.json": "application/json",
    };

    for (const [path, type] of Object.entries(files)) {
      test(`W1 ${path} may run its own script, talk to its own server, and nothing else`, async () => {
        const response = await fetch(base + path);
        expect(response.status).toBe(200);
        expect(response.headers.get("content-type")).toStartWith(type);
        expect(response.headers.get("content-security-policy")).toBe(
          "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; " +
            "frame-ancestors 'none'; base-uri 'none'; require-trusted-types-for 'script'; trusted-types tidings-worker",
        );
        expect(response.headers.get("x-content-type-options")).toBe("nosniff");
        expect(response.headers.get("referrer-policy")).toBe("no-referrer");
        expect(await response.text()).not.toBe("");
      });
    }

    test("W1 the page has no script, style or handler of its own inside", async () => {
      const html = await (await fetch(`${base}/`)).text();
      expect(html).not.toMatch(/<style|\sstyle=|\son[a-z]+=|javascript:|<script(?![^>]* src=)/i);
    });

    test("W1 a script and a style that did not change are not sent again", async () => {
      for (const path of ["/page.js", "/page-rest.js", "/page.css", "/openapi.json"]) {
        const etag = (await fetch(base + path)).headers.get("etag") ?? "";
        const again = await fetch(base + path, { headers: { "If-None-Match": etag } });
        expect([again.status, await again.text()]).toEqual([304, ""]);
      }
    });

    test("W53 the script, the style and the description come compressed where the browser takes that", async () => {
      for (const path of ["/page.js", "/page-rest.js", "/page.css", "/openapi.json"]) {
        const ask = (encoding: string) =>
          fetch(base + path, { headers: { "Accept-Encoding": encoding }, decompress: false });
        const [plain, packed] = [await ask("gzip;q=0, identity"), await ask("br, gzip")];
        expect([plain, packed].map(({ headers }) => [headers.get("content-encoding"), headers.get("vary")])).toEqual([
          [null, "Accept-Encoding"],
          ["gzip", "Accept-Encoding"],
        ]);
        const bytes = new Uint8Array(await packed.arrayBuffer());
        const text = await plain.text();
        expect(new TextDecoder().decode(Bun.gunzipSync(bytes))).toBe(text);
        expect(bytes.length).toBeLessThan(text.length / 2);
      }
    });

    test("W4 the page itself has the kind of authentication", async () => {
      expect(await (await fetch(`${base}/`)).text()).toContain('data-auth="demo"');
    });

    test("W2 the addresses of the page refuse every method but GET and HEAD", async () => {
      for (const path of [...Object.keys(files), "/config.json", "/healthz", "/readyz"]) {
        expect((await fetch(base + path, { method: "HEAD" })).status).toBe(200);
        for (const method of ["POST", "PUT", "DELETE"]) {
          const response = await fetch(base + path, { method });
          expect(response.status).toBe(405);
          expect(response.headers.get("allow")).toBe("GET, HEAD");
          expect(response.headers.get("content-type")).toBe("application/problem+json");
          expect(await response.json()).toMatchObject({ code: "method_not_allowed" });
        }
      }
    });

    test("W2 the chat answers any other address", async () => {
      expect((await fetch(`${base}/ws`)).status).toBe(426);
      for (const path of ["/page.html", "/page.ts", "/web/page.ts", "/..%2fserver.ts", "/%"])
        expect((await fetch(base + path)).status).toBe(404);
    });

    test("W3 the demo's page is refused on a foreign Host; health and readiness answer on any", async () => {
      const headers = { Host: "evil.example" };
      for (const path of [...Object.keys(files), "/config.json"])
        expect((await fetch(base + path, { headers })).status).toBe(403);
      for (const path of ["/healthz", "/readyz"]) expect((await fetch(base + path, { headers })).status).toBe(200);
    });

    test("W3 a probe that speaks HTTP/1.0 without Host is answered", async () => {
      const answer = Promise.withResolvers<string>();
      const socket = await Bun.connect({
        hostname: "127.0.0.1",
        port: server.port,
        socket: { data: (_, bytes) => answer.resolve(bytes.toString()) },
      });
      socket.write("GET /healthz HTTP/1.0\r\n\r\n");
      expect(await answer.promise).toContain(" 200 ");
      socket.end();
    });

    test("W4 /config.json has the kind of authentication", async () => {
      expect(await (await fetch(`${base}/config.json`)).json()).toEqual({ auth: "demo" });
    });
  });
}
