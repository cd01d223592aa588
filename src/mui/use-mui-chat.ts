"use client";
import { useCallback, useEffect, useMemo, useReducer } from "react";
import type { ThreadState } from "../client/api.ts";
import type { Readable } from "../client/readable.ts";
import type { Target } from "../client/vault/rows.ts";
import { useConversations } from "../react/hooks.ts";
import { useClient } from "../react/provider.ts";
import { onServer } from "../react/server-snapshots.ts";
import { useReadable } from "../react/use-readable.ts";
import { createMuiLink } from "./adapter.ts";
import { markSeen } from "./read-marks.ts";
import { muiConversation, muiError, muiId, muiMessage, muiPartRenderers, targetOf } from "./rows.ts";
import type { MuiAdapter, MuiConversation, MuiError, MuiMessage, MuiPartRenderers, MuiUser } from "./types.ts";

export type MuiChatOptions = {
  /** The open conversation; null: none. */
  readonly target: Target | null;
  /** Called when the user opens another one. */
  readonly onTarget: (target: Target | null) => void;
};

/** The controlled props of `<ChatBox>`. */
export type MuiChatProps = {
  ref: (root: never) => (() => void) | undefined;
  adapter: MuiAdapter;
  currentUser: MuiUser;
  messages: MuiMessage[];
  /** Texts are drawn as they are. */
  partRenderers: MuiPartRenderers;
  onMessagesChange: () => void;
  conversations: MuiConversation[];
  onConversationsChange: () => void;
  activeConversationId: string | undefined;
  onActiveConversationChange: (id: string | undefined) => void;
  composerValue: string;
  onComposerValueChange: (text: string) => void;
};

export type MuiChat = {
  readonly props: MuiChatProps;
  /** The refused messages of the open thread, by MUI's ids: for `setMessageError` of MUI's store. */
  readonly failures: ReadonlyMap<string, MuiError>;
};

const nothingOpen: Readable<ThreadState> = { get: () => onServer.thread, subscribe: () => () => {} };
const nothingTyped: Readable<string> = { get: () => "", subscribe: () => () => {} };

/**
 * Everything that `<ChatBox>` of MUI X Chat needs, in its controlled mode: the client has the data, and what MUI writes into its own store is replaced.
 *
 * @experimental MUI X Chat is an alpha, whose names still change.
 */
export function useMuiChat({ target, onTarget }: MuiChatOptions): MuiChat {
  const client = useClient();
  const id = target === null ? undefined : muiId(target);
  const thread = useMemo(() => (id === undefined ? null : client.thread(targetOf(id))), [client, id]);
  const link = useMemo(() => createMuiLink(client), [client]);
  useEffect(() => (id === undefined ? undefined : link.followTypists(id)), [link, id]);

  const { rows } = useReadable(thread?.state ?? nothingOpen, onServer.thread);
  const composerValue = useReadable(thread?.draft ?? nothingTyped, "");
  const { conversations } = useConversations();
  // MUI takes its props again at the next render after it has written into its store.
  const [, replace] = useReducer((count: number) => count + 1, 0);
  const onComposerValueChange = useCallback(
    (text: string) => {
      thread?.typing(text !== "");
      if (text !== "") thread?.draft.set(text);
      else if (thread !== null) link.emptied(thread);
    },
    [link, thread],
  );
  const ref = useCallback(
    (root: never) => (root === null || thread === null ? undefined : markSeen(root, thread)),
    [thread],
  );
  return {
    props: {
      ...{ ref, adapter: link.adapter },
      currentUser: useMemo(() => ({ id: client.user, displayName: client.user, role: "user" }), [client]),
      messages: useMemo(() => rows.map(muiMessage), [rows]),
      partRenderers: muiPartRenderers,
      onMessagesChange: replace,
      conversations: useMemo(() => conversations.map(muiConversation), [conversations]),
      onConversationsChange: replace,
      activeConversationId: id,
      onActiveConversationChange: (next) => onTarget(next === undefined ? null : targetOf(next)),
      ...{ composerValue, onComposerValueChange },
    },
    failures: useMemo(
      () => new Map(rows.flatMap(({ key, failed }) => (failed === undefined ? [] : [[key, muiError(failed.message)]]))),
      [rows],
    ),
  };
}
