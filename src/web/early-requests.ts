/** Requests that went out before the script of the page was here, by their addresses. */
type Early = Map<string, Promise<Response>>;

const keptMs = 15_000;
const page = globalThis as { tidingsEarly?: Early };

const addressOf = (path: string): string => new URL(path, location.href).href;

/** Sends the first requests of the page, unless it has begun itself. */
export function sendEarly(paths: readonly string[]): void {
  if (page.tidingsEarly !== undefined) return;
  const ask = async (path: string): Promise<Response> => {
    const response = await fetch(path, { credentials: "include" });
    return new Response(await response.text(), response);
  };
  page.tidingsEarly = new Map(paths.map((path) => [addressOf(path), ask(path)]));
  // An answer that was not taken soon is too old.
  setTimeout(() => page.tidingsEarly?.clear(), keptMs);
  // The page asks again.
  for (const answer of page.tidingsEarly.values()) answer.catch(() => {});
}

/** The answer to a request that went out early, which another may still take. Null: there is none. */
export async function readEarly(path: string): Promise<Response | null> {
  const response = await page.tidingsEarly?.get(addressOf(path))?.catch(() => null);
  return response?.clone() ?? null;
}

/** `fetch`, which takes the answer to a request that went out early, once. */
export async function fetchOnce(request: Request): Promise<Response> {
  const early = (page.tidingsEarly ??= new Map());
  const answer = request.method === "GET" ? early.get(request.url) : undefined;
  early.delete(request.url);
  return await (answer?.catch(() => fetch(request)) ?? fetch(request));
}
