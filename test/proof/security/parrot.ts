import { serve } from "bun";

export type Parrot = {
  readonly url: string;
  /** Requests so far, by the first part of their paths. */
  count(part: string): number;
  stop(): Promise<void>;
};

/**
 * A stand-in for push providers: it grants access tokens, and otherwise repeats each request, address, headers and body,
 * in every place of an answer, with one status after the other.
 */
export function startParrot(accessToken: string): Parrot {
  const statuses = [400, 403, 401, 500, 429, 404, 302, 200];
  const counts = new Map<string, number>();
  const server = serve({
    hostname: "127.0.0.1",
    port: 0,
    async fetch(request) {
      const { pathname } = new URL(request.url);
      const part = pathname.split("/")[1] ?? "";
      const nth = counts.get(part) ?? 0;
      counts.set(part, nth + 1);
      if (part === "token") return Response.json({ access_token: accessToken, expires_in: 3_600 });
      const headers = [...request.headers].map((header) => header.join(": "));
      const asked = [request.url, ...headers, await request.text()].join(" ");
      const details = [
        {
          "@type": "type.googleapis.com/google.rpc.BadRequest",
          fieldViolations: [{ field: asked, description: asked }],
        },
      ];
      const body = {
        id: "",
        name: asked,
        errors: [asked],
        error: { status: "INVALID_ARGUMENT", message: asked, details },
      };
      const status = statuses[nth % statuses.length] ?? 500;
      const location = status === 302 ? { Location: `http://127.0.0.1:1/${encodeURIComponent(asked)}` } : {};
      return Response.json(body, { status, headers: location });
    },
  });
  return {
    url: `http://127.0.0.1:${server.port}`,
    count: (part) => counts.get(part) ?? 0,
    stop: () => server.stop(true),
  };
}
