/**
 * Only sockets: answers a send at once and relays it to its receiver, in frames of the real sizes, written
 * once a turn as the real server does. It checks nothing, stores nothing, and reads as little of a frame as it can.
 */
import type { ServerWebSocket } from "bun";

type Data = { readonly user: string; answers: string[]; changes: string[]; seq: number };

const people = new Map<string, ServerWebSocket<Data>>();
const cursor = "0123456789abcdef.a1b2c";
let dirty = new Set<ServerWebSocket<Data>>();
const idAt = '{"type":"send","id":"'.length;
const idLength = 36;
const toAt = idAt + idLength + '","to":"'.length;

function touch(ws: ServerWebSocket<Data>): void {
  if (dirty.size === 0) setImmediate(flush);
  dirty.add(ws);
}

function flush(): void {
  const turn = dirty;
  dirty = new Set();
  for (const ws of turn) {
    ws.cork(() => {
      const { answers, changes } = ws.data;
      ws.data.answers = [];
      ws.data.changes = [];
      for (const answer of answers) ws.sendText(answer);
      if (changes.length > 0) ws.sendText(changesFrame(changes));
    });
  }
}

const changesFrame = (changes: readonly string[]): string =>
  `{"type":"changes","cursor":"${cursor}","more":false,"changes":[${changes.join(",")}]}`;

const server = Bun.serve<Data>({
  hostname: "127.0.0.1",
  port: 0,
  fetch(request, server) {
    const user = new URL(request.url).searchParams.get("user") ?? "";
    if (server.upgrade(request, { data: { user, answers: [], changes: [], seq: 0 } })) return undefined;
    return new Response("This is a WebSocket server", { status: 426 });
  },
  websocket: {
    perMessageDeflate: false,
    open(ws) {
      people.set(ws.data.user, ws);
      ws.sendText('{"type":"welcome"}');
      ws.sendText(changesFrame([]));
    },
    message(ws, frame) {
      if (typeof frame !== "string" || !frame.startsWith('{"type":"send"')) return;
      const id = frame.slice(idAt, idAt + idLength);
      const to = frame.slice(toAt, frame.indexOf('"', toAt));
      const text = frame.slice(toAt + to.length + '","text":"'.length, -2);
      const seq = ++ws.data.seq;
      const place = `"conversation":"c1a2b3c4d5e","seq":${seq}`;
      ws.data.answers.push(`{"type":"accepted","id":"${id}",${place},"time":1780000000000,"duplicate":false}`);
      touch(ws);
      const receiver = people.get(to);
      if (!receiver) return;
      const names = `"from":"${ws.data.user}","to":"${to}"`;
      receiver.data.changes.push(
        `{"kind":"message",${place},"id":"${id}",${names},"text":"${text}","time":1780000000000}`,
      );
      touch(receiver);
    },
    close(ws) {
      people.delete(ws.data.user);
    },
  },
});
process.on("SIGTERM", () => process.exit(0));
process.stderr.write(`serving http://127.0.0.1:${server.port}/\n`);
