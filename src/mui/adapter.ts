import type { Client, Thread, ThreadState } from "../client/api.ts";
import { muiMessage, targetOf } from "./rows.ts";
import type { MuiAdapter, MuiTyping } from "./types.ts";

/** The adapter of `<ChatBox>`, and what its composer and its typists need. */
export type MuiLink = {
  readonly adapter: MuiAdapter;
  /** The composer is empty: its user has emptied it, or MUI has, which does so before it sends. A draft goes only with the message that is kept. */
  emptied(thread: Thread): void;
  /** Reports who types in a thread. Returns the function that ends this. */
  followTypists(id: string): () => void;
};

/** What MUI is given to ask for older messages with: the client knows where its window begins. */
const older = "older";

export function createMuiLink(client: Client): MuiLink {
  let onEvent: ((event: MuiTyping) => void) | null = null;
  /** Its draft goes at the end of this turn, unless its text is sent in it. */
  let lastEmptied: Thread | null = null;

  return {
    adapter: {
      async sendMessage({ conversationId = "", message }) {
        const thread = client.thread(targetOf(conversationId));
        lastEmptied = null;
        const text = message.parts.map((part) => (part.type === "text" ? (part.text ?? "") : "")).join("");
        // MUI sends a refused message again by the same call.
        if (thread.state.get().rows.some(({ key }) => key === message.id)) retry(thread, message.id);
        else send(thread, text);
        // At once: until its stream has ended, MUI sends nothing else, and drops what is submitted.
        return new ReadableStream({ start: (controller) => controller.close() });
      },
      async listMessages({ conversationId, cursor }) {
        const thread = client.thread(targetOf(conversationId));
        const before = thread.state.get().rows;
        if (cursor === older) thread.loadBefore();
        const state = await settled(
          thread,
          (next) => cursor !== older || next.rows !== before || next.before !== "more",
        );
        if (state.before === "unreachable") throw new Error("Earlier messages cannot be loaded now.");
        return { messages: state.rows.map(muiMessage), cursor: older, hasMore: state.before === "more" };
      },
      subscribe(input) {
        ({ onEvent } = input);
        return () => void (onEvent = null);
      },
    },
    emptied(thread) {
      lastEmptied = thread;
      queueMicrotask(() => {
        if (lastEmptied !== thread) return;
        lastEmptied = null;
        thread.draft.set("");
      });
    },
    followTypists(id) {
      const { typists } = client.thread(targetOf(id));
      let shown: readonly string[] = [];
      const show = (next: readonly string[]): void => {
        const changes = [
          ...next.filter((user) => !shown.includes(user)).map((userId) => ({ userId, isTyping: true })),
          ...shown.filter((user) => !next.includes(user)).map((userId) => ({ userId, isTyping: false })),
        ];
        shown = next;
        for (const change of changes) onEvent?.({ type: "typing", conversationId: id, ...change });
      };
      const unsubscribe = typists.subscribe(() => show(typists.get()));
      show(typists.get());
      return () => {
        unsubscribe();
        show([]);
      };
    },
  };
}

/** @throws ClientError for what cannot be a message: it stays in the composer. */
function send(thread: Thread, text: string): void {
  try {
    const { kept, accepted } = thread.send(text);
    // The row shows a refusal, and a text that could not be kept comes back to the composer.
    for (const ending of [kept, accepted]) ending.catch(() => {});
  } catch (fault) {
    thread.draft.set(text);
    throw fault;
  }
}

function retry(thread: Thread, key: string): void {
  const row = thread.state.get().rows.find((one) => one.key === key);
  if (row?.failed !== undefined) thread.retry(row.id);
}

/** The state of a thread once it is loaded, and `isWanted`. */
function settled(thread: Thread, isWanted: (state: ThreadState) => boolean): Promise<ThreadState> {
  return new Promise((resolve) => {
    const check = (): void => {
      const state = thread.state.get();
      if (state.before === "loading" || !isWanted(state)) return;
      unsubscribe();
      resolve(state);
    };
    const unsubscribe = thread.state.subscribe(check);
    check();
  });
}
