/**
 * The parts of MUI X Chat that the adapter works with, as `@mui/x-chat` 9.0.0-alpha.18 declares them. They are written down here, so that an app without it needs
 * none of its packages.
 */
export type MuiUser = {
  id: string;
  displayName?: string;
  isOnline?: boolean;
  role?: "user";
};

export type MuiMessage = {
  id: string;
  conversationId?: string;
  /** Two people write to each other: neither is an assistant, and the author says whose message it is. */
  role: "user";
  parts: { type: "text"; text: string }[];
  createdAt?: string;
  status?: "pending" | "sending" | "sent" | "read" | "error";
  author?: MuiUser;
};

export type MuiConversation = {
  id: string;
  title?: string;
  subtitle?: string;
  participants?: MuiUser[];
  unreadCount?: number;
  readState?: "read" | "unread";
  lastMessageAt?: string;
};

/** How MUI draws the parts of a message. Without one for texts it draws them as Markdown, whoever wrote them. */
export type MuiPartRenderers = {
  text: (props: { part: { text: string } }) => string;
};

/** Of what MUI passes to `sendMessage`, the part that is used. */
export type MuiSend = {
  conversationId?: string;
  message: { id: string; parts: { type: string; text?: string }[] };
};

export type MuiPage = { messages: MuiMessage[]; cursor?: string; hasMore?: boolean };

export type MuiTyping = { type: "typing"; conversationId: string; userId: string; isTyping: boolean };

export type MuiAdapter = {
  /** Resolves with a stream without chunks: nobody answers a message but other people. */
  sendMessage(input: MuiSend): Promise<ReadableStream<never>>;
  listMessages(input: { conversationId: string; cursor?: string }): Promise<MuiPage>;
  subscribe(input: { onEvent: (event: MuiTyping) => void }): () => void;
};

/** Why a message was refused, as MUI's card below it shows it, with its button to try again. */
export type MuiError = {
  code: "SEND_ERROR";
  message: string;
  source: "send";
  recoverable: true;
  retryable: true;
};
