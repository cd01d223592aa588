/**
 * The naive server: the least code that keeps a durable chat log, as a baseline for Tidings. Same promise (`accepted` is fsynced, a retry gets the
 * first answer, a device that comes back gets what it missed), same driver, same frames; one commit a turn of the event loop. It has no
 * authentication, limits, receipts, presence, pushes, history, other nodes, nor bounds on its memory.
 */
import type { ServerWebSocket } from "bun";
import { type NaiveMessage, type NaiveSend, NaiveStore } from "./store.ts";

type Data = { readonly user: string; readonly after: number | null };
type Socket = ServerWebSocket<Data>;
type Frame =
  | { readonly type: "send"; readonly id: string; readonly to: string; readonly text: string }
  | { readonly type: "ack"; readonly cursor: string };

const pageRows = 256;
/** Acks go with the next messages, or after this time by themselves. */
const acksDelayMs = 100;

const store = new NaiveStore((process.env["DATABASE_URL"] ?? "").replace(/^file:/, ""));
const people = new Map<string, Set<Socket>>();
let waiting: { readonly socket: Socket; readonly send: NaiveSend }[] = [];
let acks = new Map<string, number>();

function commit(): void {
  const [batch, marks] = [waiting, acks];
  waiting = [];
  acks = new Map();
  if (batch.length === 0 && marks.size === 0) return;
  const stored = store.commit(
    batch.map(({ send }) => send),
    marks,
  );
  stored.forEach((message, i) => {
    const { id, conversation, seq, time, duplicate } = message;
    batch[i]?.socket.sendText(JSON.stringify({ type: "accepted", id, conversation, seq, time, duplicate }));
    if (duplicate) return;
    for (const socket of people.get(message.to) ?? []) socket.sendText(changes([message], message.n, false));
  });
}

function changes(messages: readonly NaiveMessage[], cursor: number, more: boolean): string {
  const list = messages.map(({ conversation, seq, id, from, to, text, time }) => ({
    ...{ kind: "message", conversation, seq, id, from, to, text, time },
  }));
  return JSON.stringify({ type: "changes", cursor: String(cursor), more, changes: list });
}

const server = Bun.serve<Data>({
  hostname: "127.0.0.1",
  port: 0,
  fetch(request, server) {
    const query = new URL(request.url).searchParams;
    const cursor = query.get("cursor");
    const data = { user: query.get("user") ?? "", after: cursor === null ? null : Number(cursor) };
    if (server.upgrade(request, { data })) return undefined;
    return new Response("This is a WebSocket server", { status: 426 });
  },
  websocket: {
    perMessageDeflate: false,
    open(socket) {
      const { user } = socket.data;
      socket.sendText('{"type":"welcome"}');
      // Nothing is committed between its pages, so that it is live once the last one is sent.
      for (let after = socket.data.after ?? store.acked(user), more = true; more;) {
        const page = store.page(user, after, pageRows);
        after = page.at(-1)?.n ?? after;
        more = page.length === pageRows;
        socket.sendText(changes(page, after, more));
      }
      const sockets = people.get(user);
      if (sockets) sockets.add(socket);
      else people.set(user, new Set([socket]));
    },
    message(socket, data) {
      const frame = JSON.parse(String(data)) as Frame;
      const { user } = socket.data;
      if (frame.type === "ack") {
        if (acks.size === 0) setTimeout(commit, acksDelayMs);
        acks.set(user, Math.max(acks.get(user) ?? 0, Number(frame.cursor)));
      } else {
        if (waiting.length === 0) setImmediate(commit);
        const { id, to, text } = frame;
        waiting.push({ socket, send: { id, from: user, to, text } });
      }
    },
    close(socket) {
      const sockets = people.get(socket.data.user);
      sockets?.delete(socket);
      if (sockets?.size === 0) people.delete(socket.data.user);
    },
  },
});
process.on("SIGTERM", () => process.exit(0));
process.stderr.write(`serving http://127.0.0.1:${server.port}/\n`);
