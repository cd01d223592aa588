import type { Frame } from "../../src/conform/frames.ts";
import type { Mistake } from "./small-client.ts";

/** A WebSocket, or what stands in for it. */
export type Connection = { sendText(text: string): void; cut(): void };

export type PollingOptions = {
  readonly url: string;
  readonly token: string;
  readonly device: string;
  readonly cursor: () => string | null;
  readonly does: (mistake: Mistake) => boolean;
  readonly isRunning: () => boolean;
  readonly receive: (frame: Frame) => void;
  readonly onEnd: () => void;
};

type Sent = { readonly type: string; readonly id?: string; readonly conversation?: string; readonly seq?: number };

const waitSeconds = 2;
const lateMs = 2_000;

/** The small client's connection by HTTP alone: `GET /changes` for what comes, a request for each frame that goes out. */
export function openPolling(options: PollingOptions): Connection {
  const { url, token, device, cursor, does, isRunning, receive, onEnd } = options;
  let isOpen = true;
  let isGreeted = false;
  let last = Promise.resolve();

  async function ask(method: string, path: string, body?: object): Promise<Response> {
    return await fetch(url + path, {
      method,
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  }

  function end(): void {
    if (!isOpen) return;
    isOpen = false;
    onEnd();
  }

  /** Each answer begins with `welcome`: the first one greets. */
  function take(frames: readonly Frame[]): void {
    if (!isOpen || !isRunning()) return;
    for (const frame of frames) if (frame.type !== "welcome" || !isGreeted) receive(frame);
    isGreeted = true;
  }

  async function poll(): Promise<void> {
    let next = cursor();
    while (isOpen && isRunning()) {
      const query = new URLSearchParams({
        device,
        wait: String(isGreeted ? waitSeconds : 0),
        ...(next !== null && { cursor: next }),
      });
      const response = await ask("GET", `/changes?${query.toString()}`);
      if (!response.ok) return end();
      const body = (await response.json()) as { readonly cursor: string; readonly frames: readonly Frame[] };
      if (does("polls on before it stores") && isGreeted) {
        setTimeout(() => take(body.frames), lateMs);
        next = body.cursor;
      } else {
        take(body.frames);
        next = cursor() ?? body.cursor;
      }
    }
  }

  async function post(frame: Sent): Promise<void> {
    const { type, ...body } = frame;
    if (type === "read") {
      await ask("POST", `/conversations/${frame.conversation}/read`, { seq: frame.seq });
      return;
    }
    if (type !== "send") return;
    const response = await ask("POST", "/messages", body);
    const answer = (await response.json()) as Frame;
    if (!isOpen || !isRunning()) return;
    if (response.ok) receive({ ...answer, type: "accepted" });
    else
      receive({
        ...answer,
        type: "rejected",
        ...(frame.id && { id: frame.id }),
        retry: response.status < 429 ? "never" : "later",
      });
  }

  poll().catch(end);
  return {
    sendText(text) {
      last = last.then(() => post(JSON.parse(text) as Sent)).catch(end);
    },
    cut: end,
  };
}
