/** What a client does by HTTP alone, as the proxy has seen it. */
import type { Frame } from "../frames.ts";
import type { SeenRequest } from "./faults.ts";
import type { Proxy } from "./proxy.ts";

type Polled = { readonly cursor: string; readonly frames: readonly Frame[] };

/** The answers to `GET /changes`, in their order. */
export function pollsOf(proxy: Proxy): readonly Polled[] {
  return proxy.requests().flatMap(({ url, answer }) => {
    if (url.pathname !== "/changes" || answer === null) return [];
    const body = JSON.parse(answer) as Partial<Polled>;
    return body.cursor === undefined || body.frames === undefined ? [] : [{ cursor: body.cursor, frames: body.frames }];
  });
}

/** The cursors that the client was given by these answers, in their order, each with the texts that it covers beyond the one before. */
export const cursorsOf = (
  polls: readonly Polled[],
): readonly { readonly cursor: string; readonly texts: readonly string[] }[] =>
  polls.flatMap(({ cursor, frames }) => [
    ...frames.flatMap((frame) => (frame.cursor === undefined ? [] : [{ cursor: frame.cursor, texts: textsOf(frame) }])),
    { cursor, texts: [] },
  ]);

const textsOf = ({ changes = [] }: Frame): readonly string[] =>
  changes.flatMap(({ kind, text }) => (kind === "message" && text !== undefined ? [text] : []));

/** The cursor that a request confirms. */
export function confirmedBy({ url, body }: SeenRequest): string | null {
  if (url.pathname === "/changes") return url.searchParams.get("cursor");
  return url.pathname === "/ack" ? (bodyOf(body).cursor ?? null) : null;
}

/** The messages that were sent by HTTP. */
export const postsOf = (proxy: Proxy): readonly Body[] =>
  proxy
    .requests()
    .filter(({ method, url }) => method === "POST" && url.pathname === "/messages")
    .map(({ body }) => bodyOf(body));

type Body = { readonly id?: string; readonly text?: string; readonly cursor?: string };

function bodyOf(text: string): Body {
  try {
    return JSON.parse(text) as Body;
  } catch {
    return {};
  }
}
