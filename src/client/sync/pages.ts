import type { Answer, Link } from "../link/contract.ts";
import { withParameters } from "../link/path.ts";
import type { ListedConversation } from "../vault/merge.ts";
import type { MessageRow } from "../vault/rows.ts";
import type { TargetQuery } from "./target.ts";

/** What the client reads from the server by request. */
export interface Pages {
  /** A conversation with its newest messages, asked for at once. `none`: there is no such conversation. Null: it cannot be had now. */
  beginning(key: TargetQuery): Promise<Beginning | "none" | null>;
  /** The page of messages next to `at`. Null: it cannot be had now. */
  messages(query: HistoryQuery): Promise<MessagePage | null>;
  conversations(after: string | null): Promise<ListPage | null>;
  /** `none`: there is no such conversation. Null: it cannot be had now. */
  conversation(key: TargetQuery): Promise<ListedConversation | "none" | null>;
}

export type HistoryQuery = {
  readonly of: TargetQuery;
  readonly at: "newest" | { readonly before: number } | { readonly after: number } | { readonly around: number };
};

/** The history that rows are of; none where an older server does not name it. */
type OfHistory = { readonly history?: string | undefined };
export type MessagePage = OfHistory & { readonly messages: readonly MessageRow[] };
export type Beginning = MessagePage & { readonly listed: ListedConversation };
export type ListPage = OfHistory & {
  readonly conversations: readonly ListedConversation[];
  readonly next: string | null;
};

/** How many messages a page of history holds. */
export const pageSize = 50;

export function createPages(link: Pick<Link, "ask">): Pages {
  const get = (path: string, parameters: Parameters<typeof withParameters>[1] = {}): Promise<Answer> =>
    link.ask({ method: "GET", path: withParameters(path, parameters) });

  const getMessages = ({ of, at }: HistoryQuery): Promise<Answer> => {
    const target = "id" in of ? { conversation: of.id } : of;
    return get("/messages", { ...target, limit: pageSize, ...(at !== "newest" && at) });
  };
  const getConversation = (key: TargetQuery): Promise<Answer> =>
    "id" in key ? get(`/conversations/${encodeURIComponent(key.id)}`) : get("/conversations", key);

  return {
    async beginning(key) {
      const [row, page] = await Promise.all([getConversation(key), getMessages({ of: key, at: "newest" })]);
      const listed = readConversation(key, row);
      if (listed === null || listed === "none") return listed;
      const { messages = [] } = readMessages(page) ?? {};
      const history = historyOf(row);
      // The server was restored between the two.
      return page.ok && history !== page.history ? null : { listed, messages, history };
    },
    messages: async (query) => readMessages(await getMessages(query)),
    async conversations(after) {
      const answer = await get("/conversations", { limit: pageSize, after });
      if (!answer.ok) return null;
      const { conversations, next } = answer.body as { conversations: ListedConversation[]; next?: string | null };
      return { conversations, next: next ?? null, history: answer.history };
    },
    conversation: async (key) => readConversation(key, await getConversation(key)),
  };
}

const historyOf = (answer: Answer): string | undefined => (answer.ok ? answer.history : undefined);

function readMessages(answer: Answer): MessagePage | null {
  if (!answer.ok) return null;
  const { messages } = answer.body as { messages: (MessageRow & { kind?: string })[] };
  return { messages: messages.map(({ kind: _, ...message }) => message), history: answer.history };
}

function readConversation(key: TargetQuery, answer: Answer): ListedConversation | "none" | null {
  if (!answer.ok) return "id" in key && answer.status === 404 ? "none" : null;
  if ("id" in key) return answer.body as ListedConversation;
  return (answer.body as { conversations: ListedConversation[] }).conversations[0] ?? "none";
}
