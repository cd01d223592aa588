import { newId } from "../../support/store.ts";
import { until } from "../../support/fake-socket.ts";
import { deadline } from "../../support/deadline.ts";

type Word = { readonly seq: number; readonly text: string; readonly event?: { readonly type: string } };
type Change = Word & { readonly kind: string; readonly conversation: string; readonly status?: string };

const retryMs = 50;

/** One device of a user in groups. It connects again from its cursor, to the same node, as often as it must. */
export function createMember(url: string, user: string) {
  const words: Word[] = [];
  const complaints: string[] = [];
  let status = "";
  let cursor: string | undefined;
  let socket: WebSocket | null = null;
  let isEnded = false;

  function take(change: Change): void {
    if (change.kind === "membership") status = change.status ?? "";
    if (change.kind !== "message") return;
    const last = words.at(-1);
    // What was not acked may come again after a new connection, but from a cursor, nothing does.
    if (last !== undefined && change.seq <= last.seq) complaints.push(`${user} got ${change.seq} after ${last.seq}`);
    if (last !== undefined && change.seq > last.seq + 1) complaints.push(`${user} missed what is before ${change.seq}`);
    words.push(change);
  }

  function connect(): void {
    const from = cursor === undefined ? "" : `&cursor=${cursor}`;
    socket = new WebSocket(`${url}/ws?user=${user}&device=d&level=3${from}`);
    socket.onmessage = ({ data }) => {
      const frame = JSON.parse(String(data)) as { type: string; cursor?: string; changes?: readonly Change[] };
      if (frame.type === "reset") complaints.push(`${user} was reset`);
      for (const change of frame.changes ?? []) take(change);
      if (frame.type === "changes") cursor = frame.cursor;
    };
    socket.onclose = () => {
      if (!isEnded) setTimeout(connect, retryMs);
    };
    socket.onerror = () => {};
  }
  connect();

  /** Asks until it is answered; retries have the same body. */
  async function ask(method: string, path: string, body?: object): Promise<Readonly<Record<string, unknown>>> {
    let answer: Readonly<Record<string, unknown>> | null = null;
    await until(
      async () => {
        const response = await fetch(`${url.replace(/^ws/, "http")}${path}?user=${user}`, {
          ...{ method, signal: AbortSignal.timeout(deadline.answerMs) },
          ...(body && { body: JSON.stringify(body), headers: { "Content-Type": "application/json" } }),
        }).catch(() => null);
        if (response === null || response.status >= 500) return false;
        const text = await response.text();
        if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
        answer = text === "" ? {} : (JSON.parse(text) as Readonly<Record<string, unknown>>);
        return true;
      },
      `an answer to ${method} ${path}`,
      deadline.bulkMs,
    );
    return answer ?? {};
  }

  return {
    ...{ user, words, complaints, ask },
    status: () => status,
    send: async (conversation: string, text: string): Promise<void> =>
      void (await ask("POST", "/messages", { id: newId(), conversation, text })),
    end(): void {
      isEnded = true;
      socket?.close();
    },
  };
}

export type NetMember = ReturnType<typeof createMember>;
