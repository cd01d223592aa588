import type { Answer, Link } from "../link/contract.ts";
import type { ListedConversation } from "../vault/merge.ts";
import type { MessageRow } from "../vault/rows.ts";

/** What the client reads from the server by request. */
export interface Pages {
  /** The page of messages next to `at`. Null: it cannot be had now. */
  messages(query: HistoryQuery): Promise<HistoryPage | null>;
  conversations(after: string | null): Promise<ListPage | null>;
  /** `none`: there is no such conversation. Null: it cannot be had now. */
  conversation(key: { readonly id: string } | { readonly with: string }): Promise<ListedConversation | "none" | null>;
}

export type HistoryQuery = {
  readonly conversation: string;
  readonly at: "newest" | { readonly before: number } | { readonly after: number } | { readonly around: number };
};

export type HistoryPage = {
  readonly messages: readonly MessageRow[];
  readonly hasBefore: boolean;
  readonly hasAfter: boolean;
};

export type ListPage = { readonly conversations: readonly ListedConversation[]; readonly next: string | null };

/** How many messages a page of history holds. */
export const pageSize = 50;

export function createPages(link: Pick<Link, "ask">): Pages {
  const get = (path: string): Promise<Answer> => new Promise((resolve) => link.ask({ method: "GET", path }, resolve));

  return {
    async messages({ conversation, at }) {
      const place =
        at === "newest"
          ? ""
          : Object.entries(at)
              .map(([name, seq]) => `&${name}=${seq}`)
              .join("");
      const answer = await get(`/messages?conversation=${encodeURIComponent(conversation)}&limit=${pageSize}${place}`);
      if (!answer.ok) return null;
      const { messages, more } = answer.body as {
        messages: (MessageRow & { kind?: string })[];
        more: { before: boolean; after: boolean };
      };
      const rows = messages.map(({ kind: _, ...message }): MessageRow => message);
      return { messages: rows, hasBefore: more.before, hasAfter: more.after };
    },
    async conversations(after) {
      const answer = await get(
        `/conversations?limit=${pageSize}${after === null ? "" : `&after=${encodeURIComponent(after)}`}`,
      );
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
      const answer = await get(`/conversations?with=${encodeURIComponent(key.with)}`);
      if (!answer.ok) return null;
      return (answer.body as { conversations: ListedConversation[] }).conversations[0] ?? "none";
    },
  };
}
