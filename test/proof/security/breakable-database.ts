import { type Sqld } from "../../support/sqld.ts";

export type BreakableDatabase = {
  readonly url: string;
  /** From here on every call fails, with an answer that repeats the request, secrets included. */
  break(): void;
  stop(): Promise<void>;
};

/** A talkative gateway in front of a libSQL server. */
export function startBreakableDatabase(sqld: Sqld): BreakableDatabase {
  let isBroken = false;
  const gateway = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch(request) {
      const body = await request.text();
      const { pathname } = new URL(request.url);
      if (isBroken) return new Response(`${JSON.stringify([...request.headers])} ${body}`, { status: 502 });
      const { method, headers } = request;
      const answer = await fetch(`${sqld.url}${pathname}`, { method, headers, body });
      // The answer's own headers name a compression that is already undone.
      return new Response(await answer.bytes(), { status: answer.status });
    },
  });
  return {
    url: `http://127.0.0.1:${gateway.port}`,
    break: () => {
      isBroken = true;
    },
    stop: async () => await gateway.stop(true),
  };
}
