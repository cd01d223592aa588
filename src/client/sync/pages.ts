import type { Answer, Link } from "../link/contract.ts";
import { withParameters } from "../link/path.ts";
import type { ListedConversation } from "../vault/merge.ts";
import type { MessageRow } from "../vault/rows.ts";
import type { TargetQuery } from "./target.ts";

/** What the client reads from the server by request. */
export interface Pages {
  /** The page of messages next to `at`. Null: it cannot be had now. */
  messages(query: HistoryQuery): Promise<readonly MessageRow[] | null>;
  conversations(after: string | null): Promise<ListPage | null>;
  /** `none`: there is no such conversation. Null: it cannot be had now. */
  conversation(key: TargetQuery): Promise<ListedConversation | "none" | null>;
}

export type HistoryQuery = {
  readonly of: TargetQuery;
  readonly at: "newest" | { readonly before: number } | { readonly after: number } | { readonly around: number };
};

export type ListPage = { readonly conversations: readonly ListedConversation[]; readonly next: string | null };

/** How many messages a page of history holds. */
export const pageSize = 50;

export function createPages(link: Pick<Link, "ask">): Pages {
  const get = (path: string, parameters: Parameters<typeof withParameters>[1] = {}): Promise<Answer> =>
    link.ask({ method: "GET", path: withParameters(path, parameters) });

  return {
    async messages({ of, at }) {
      const target = "id" in of ? { conversation: of.id } : of;
      const answer = await get("/messages", { ...target, limit: pageSize, ...(at !== "newest" && at) });
      if (!answer.ok) return null;
      const { messages } = answer.body as { messages: (MessageRow & { kind?: string })[] };
      return messages.map(({ kind: _, ...message }) => message);
    },
    async conversations(after) {
      const answer = await get("/conversations", { limit: pageSize, after });
      if (!answer.ok) return null;
      const { conversations, next } = answer.body as { conversations: ListedConversation[]; next?: string | null };
      return { conversations, next: next ?? null };
    },
    async conversation(key) {
      if ("id" in key) {
        const answer = await get(`/conversations/${encodeURIComponent(key.id)}`);
        if (!answer.ok) return answer.status === 404 ? "none" : null;
        return answer.body as ListedConversation;
      }
      const answer = await get("/conversations", key);
      if (!answer.ok) return null;
      return (answer.body as { conversations: ListedConversation[] }).conversations[0] ?? "none";
    },
  };
}
