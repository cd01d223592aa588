import { newId } from "../../support/store.ts";
import type { Placed, Talk } from "./people.ts";
import { deadline } from "../../support/deadline.ts";

/** Sends until it is accepted, with the same id however often the server dies meanwhile. */
export type Sender = {
  send(talk: Talk): Promise<void>;
  close(): void;
};

type Answer = { readonly conversation: string; readonly seq: number };

const againMs = 50;

/** Asks the server as a user; returns null where it could not be reached, or did not answer in time. */
export async function tryAsk(
  port: number,
  user: string,
  path: string,
  { method, body }: { readonly method: string; readonly body?: object },
): Promise<{ readonly status: number; readonly body: unknown } | null> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}${path}${path.includes("?") ? "&" : "?"}user=${user}`, {
      method,
      signal: AbortSignal.timeout(deadline.answerMs),
      ...(body && { headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (response.status === 429 || response.status >= 500) return null;
    return { status: response.status, body: text === "" ? null : JSON.parse(text) };
  } catch {
    return null;
  }
}

/** As `tryAsk`, until there is an answer. */
export async function ask(
  ...[port, user, path, request]: Parameters<typeof tryAsk>
): Promise<{ readonly status: number; readonly body: unknown }> {
  for (;;) {
    const answer = await tryAsk(port, user, path, request);
    if (answer) return answer;
    await Bun.sleep(againMs);
  }
}

function place(talk: Talk, id: string, askedAt: number, { conversation, seq }: Answer): void {
  talk.conversation ??= conversation;
  const placed: Placed = { id, seq, askedAt, answeredAt: performance.now() };
  talk.messages.push(placed);
}

/** Sends with `POST /messages`. */
export function createHttpSender(port: number): Sender {
  return {
    async send(talk) {
      const id = newId();
      const askedAt = performance.now();
      const body = { id, to: talk.user, text: "hello" };
      const answer = await ask(port, talk.sender, "/messages", { method: "POST", body });
      if (answer.status !== 201 && answer.status !== 200) throw new Error(`POST /messages: ${answer.status}`);
      place(talk, id, askedAt, answer.body as Answer);
    },
    close() {},
  };
}

/** Sends over a socket; after each break it reconnects and resends the unanswered messages. */
export function createSocketSender(port: number, user: string): Sender {
  type Waiting = { readonly text: string; readonly resolve: (answer: Answer) => void };
  const waiting = new Map<string, Waiting>();
  let socket: WebSocket | null = null;
  let isClosed = false;

  function open(): void {
    const opened = new WebSocket(`ws://127.0.0.1:${port}/ws?user=${user}&device=desk`);
    socket = opened;
    let isWelcome = false;
    opened.onmessage = ({ data }) => {
      const frame = JSON.parse(String(data)) as { type: string; id?: string } & Answer;
      if (frame.type === "welcome" && !isWelcome) {
        isWelcome = true;
        for (const { text } of waiting.values()) opened.send(text);
      }
      if (frame.type !== "accepted") return;
      waiting.get(frame.id ?? "")?.resolve(frame);
      waiting.delete(frame.id ?? "");
    };
    opened.onclose = () => {
      if (socket === opened) socket = null;
      if (!isClosed) setTimeout(open, againMs);
    };
  }
  open();

  return {
    async send(talk) {
      const id = newId();
      const askedAt = performance.now();
      const text = JSON.stringify({ type: "send", id, to: talk.user, text: "hello" });
      const answer = await new Promise<Answer>((resolve) => {
        waiting.set(id, { text, resolve });
        if (socket?.readyState === WebSocket.OPEN) socket.send(text);
      });
      place(talk, id, askedAt, answer);
    },
    close() {
      isClosed = true;
      socket?.close();
    },
  };
}
