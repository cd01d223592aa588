import type { ConversationPage, ListedConversation as Listed, MessagePage } from "../../src/http/answer-schema.ts";

export type { MessagePage } from "../../src/http/answer-schema.ts";
export type More = MessagePage["more"];
export type ListedConversation = Listed & Required<Pick<Listed, "peer">>;
/** `peer` is absent only where one user has blocked the other. */
export type ConversationList = Omit<ConversationPage, "conversations"> & {
  readonly conversations: readonly ListedConversation[];
};

/** An answer with its body read: JSON, or null where there is none. */
export type Asked<Body> = {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly body: Body;
};

export type AskOptions = {
  readonly method?: string;
  /** Sent as JSON; a text or bytes as they are. */
  readonly body?: object | string | Uint8Array<ArrayBuffer>;
  readonly headers?: Readonly<Record<string, string>>;
};

/** Answers requests: a server, or the handler itself. */
export type Answers = (request: Request) => Promise<Response>;

/** Sends a request as a user; `path` begins behind the base, with or without a query. The demo identifies users by `user`. */
export async function ask<Body = object>(
  answers: Answers,
  user: string,
  path: string,
  { method, body, headers }: AskOptions = {},
): Promise<Asked<Body>> {
  const isPlain = typeof body === "string" || body instanceof Uint8Array;
  const response = await answers(
    new Request(`http://localhost${path}${path.includes("?") ? "&" : "?"}user=${user}`, {
      method: method ?? (body === undefined ? "GET" : "POST"),
      headers: { host: "localhost", ...(body !== undefined && { "content-type": "application/json" }), ...headers },
      ...(body !== undefined && { body: isPlain ? body : JSON.stringify(body) }),
    }),
  );
  const text = await response.text();
  const isJson = (response.headers.get("content-type") ?? "").includes("json") && text !== "";
  return { status: response.status, headers: response.headers, text, body: (isJson ? JSON.parse(text) : null) as Body };
}

/** A running server, addressed by its port. */
export const serverAt =
  (port: number): Answers =>
  (request) =>
    fetch(new Request(request.url.replace("http://localhost", `http://127.0.0.1:${port}`), request), {
      redirect: "manual",
    });

export const getMessages = (answers: Answers, user: string, query = ""): Promise<Asked<MessagePage>> =>
  ask<MessagePage>(answers, user, `/messages${query === "" ? "" : `?${query}`}`);

export const getConversations = (answers: Answers, user: string, query = ""): Promise<Asked<ConversationList>> =>
  ask<ConversationList>(answers, user, `/conversations${query === "" ? "" : `?${query}`}`);
