"use client";
import { useMemo } from "react";
import type {
  Client,
  Conversation,
  ConversationList,
  Presence,
  Status,
  StorageState,
  Thread,
  ThreadState,
} from "../client/api.ts";
import type { RelationRow, Target } from "../client/vault/rows.ts";
import { useClient } from "./provider.ts";
import { onServer } from "./server-snapshots.ts";
import { useReadable } from "./use-readable.ts";

/** The connection. */
export const useStatus = (): Status => useReadable(useClient().status, onServer.status);

/** The storage of this device. */
export const useStorage = (): StorageState => useReadable(useClient().storage, onServer.storage);

/** How much is unread, for a badge. */
export const useUnread = (): ReturnType<Client["unread"]["get"]> => useReadable(useClient().unread, onServer.unread);

/** How many messages wait to be sent, and how many were refused. */
export const useOutbox = (): ReturnType<Client["outbox"]["get"]> => useReadable(useClient().outbox, onServer.outbox);

/**
 * The list of conversations, the newest activity first.
 *
 * @example
 * const { conversations, more, loadMore } = useConversations();
 */
export function useConversations(): ConversationList & { readonly loadMore: () => void } {
  const { conversations } = useClient();
  return { ...useReadable(conversations, onServer.conversations), loadMore: conversations.loadMore };
}

/** One conversation of the list; null while it is not known. */
export function useConversation(id: string): Conversation | null {
  const client = useClient();
  const conversation = useMemo(() => client.conversation(id), [client, id]);
  return useReadable(conversation, null);
}

/**
 * The thread with a user, or of a conversation: the same object in each render, so that a composer can use it without being rendered for each message.
 *
 * @example
 * const thread = useThread({ with: "bob" });
 * const { rows } = useThreadState(thread);
 */
export function useThread(target: Target): Thread {
  const client = useClient();
  const [kind, name] = "with" in target ? (["with", target.with] as const) : (["id", target.conversation] as const);
  return useMemo(() => client.thread(kind === "with" ? { with: name } : { conversation: name }), [client, kind, name]);
}

/** The rows of a thread, and how much of it they are. */
export const useThreadState = (thread: Thread): ThreadState => useReadable(thread.state, onServer.thread);

/** The users who type in a thread now. */
export const useTyping = (thread: Thread): readonly string[] => useReadable(thread.typists, onServer.typists);

/** Whether a user is online, or when they were. */
export function usePresence(user: string): Presence {
  const client = useClient();
  const presence = useMemo(() => client.presence(user), [client, user]);
  return useReadable(presence, onServer.presence);
}

/** Contacts and blocks. */
export const useRelations = (): readonly RelationRow[] => useReadable(useClient().relations, onServer.relations);

/** The users who are contacts, in the order of their names. */
export function useContacts(): readonly string[] {
  const relations = useRelations();
  return useMemo(() => relations.flatMap(({ user, contact }) => (contact ? [user] : [])), [relations]);
}

/** The users who are blocked, in the order of their names. */
export function useBlocks(): readonly string[] {
  const relations = useRelations();
  return useMemo(() => relations.flatMap(({ user, blocked }) => (blocked ? [user] : [])), [relations]);
}
