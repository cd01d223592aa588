/** Requests that went out before the script of the page was here, by their addresses. */
type Early = Map<string, Promise<Response>>;

const keptMs = 15_000;
const page = globalThis as { tidingsEarly?: Early };

/** Sends the first requests of the page, unless it has begun itself. */
export function sendEarly(paths: readonly string[]): void {
  if (page.tidingsEarly !== undefined) return;
  const ask = async (path: string): Promise<Response> => {
    const response = await fetch(path, { credentials: "include" });
    return new Response(await response.text(), response);
  };
  page.tidingsEarly = new Map(paths.map((path) => [new URL(path, location.href).href, ask(path)]));
  // An answer that was not taken soon is too old.
  setTimeout(() => page.tidingsEarly?.clear(), keptMs);
  // The page asks again.
  for (const answer of page.tidingsEarly.values()) answer.catch(() => {});
}

/** `fetch`, which takes the answer to a request that went out early, once. */
export async function fetchOnce(request: Request): Promise<Response> {
  const early = (page.tidingsEarly ??= new Map());
  const answer = request.method === "GET" ? early.get(request.url) : undefined;
  early.delete(request.url);
  return await (answer?.catch(() => fetch(request)) ?? fetch(request));
}
