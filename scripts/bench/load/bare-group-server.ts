/**
 * Only sockets: everybody who is connected is in one group. A send is answered at once, and relayed to all others in frames of the real sizes, written once a turn. It
 * checks nothing and stores nothing.
 */
import type { ServerWebSocket } from "bun";

type Data = { readonly user: string };
type Socket = ServerWebSocket<Data>;
type Waiting = { readonly from: Socket; readonly answer: string; readonly change: string };

const sockets = new Set<Socket>();
let waiting: Waiting[] = [];
let seq = 0;
const cursor = process.env["BARE_CURSOR"] ?? "";
const idAt = '{"type":"send","id":"'.length;
const idLength = 36;
const groupAt = idAt + idLength + '","conversation":"'.length;

const changesFrame = (changes: string): string =>
  `{"type":"changes","cursor":"${cursor}","more":false,"changes":[${changes}]}`;

function flush(): void {
  const turn = waiting;
  waiting = [];
  const writers = new Set(turn.map(({ from }) => from));
  for (const { from, answer } of turn) from.sendText(answer);
  const frame = changesFrame(turn.map(({ change }) => change).join(","));
  for (const socket of sockets) {
    if (!writers.has(socket)) {
      socket.sendText(frame);
      continue;
    }
    const others = turn.filter(({ from }) => from !== socket);
    if (others.length > 0) socket.sendText(changesFrame(others.map(({ change }) => change).join(",")));
  }
}

const server = Bun.serve<Data>({
  hostname: "127.0.0.1",
  port: 0,
  fetch(request, server) {
    const user = new URL(request.url).searchParams.get("user") ?? "";
    if (server.upgrade(request, { data: { user } })) return undefined;
    return new Response("This is a WebSocket server", { status: 426 });
  },
  websocket: {
    perMessageDeflate: false,
    open(socket) {
      sockets.add(socket);
      socket.sendText('{"type":"welcome"}');
      socket.sendText(changesFrame(""));
    },
    message(socket, frame) {
      if (typeof frame !== "string" || !frame.startsWith('{"type":"send"')) return;
      const id = frame.slice(idAt, idAt + idLength);
      const group = frame.slice(groupAt, frame.indexOf('"', groupAt));
      const text = frame.slice(groupAt + group.length + '","text":"'.length, -2);
      const place = `"conversation":"${group}","seq":${++seq}`;
      if (waiting.length === 0) setImmediate(flush);
      waiting.push({
        from: socket,
        answer: `{"type":"accepted","id":"${id}",${place},"time":1780000000000,"duplicate":false}`,
        change: `{"kind":"message",${place},"id":"${id}","from":"${socket.data.user}","text":"${text}","time":1780000000000}`,
      });
    },
    close: (socket) => void sockets.delete(socket),
  },
});
process.on("SIGTERM", () => process.exit(0));
process.stderr.write(`serving http://127.0.0.1:${server.port}/\n`);
