/** One hostile user, in a process of its own: repeats one act as often as the server permits, until its time is over. Prints the count. */
import { constants, setPriority } from "node:os";
import { answer, childInput } from "../child.ts";
import { explainedId, people, peerOf } from "./hostile-seed.ts";

export type ActInput = { readonly act: string; readonly port: number; readonly ms: number; readonly devices: number };
export type ActAnswer = { readonly done: number; readonly refused: number };

const input = childInput<ActInput>();
// The machine has few cores: the measurer must not wait for the attacker.
setPriority(constants.priority.PRIORITY_LOW);

const end = performance.now() + input.ms;
const isOver = (): boolean => performance.now() >= end;
let done = 0;
let refused = 0;

async function request(user: string, path: string, init: { method?: string; body?: object } = {}): Promise<string> {
  const { method = "GET", body } = init;
  const mark = path.includes("?") ? "&" : "?";
  const response = await fetch(`http://127.0.0.1:${input.port}${path}${mark}user=${user}`, {
    method,
    ...(body && { body: JSON.stringify(body), headers: { "Content-Type": "application/json" } }),
  });
  const text = await response.text();
  if (response.ok) done++;
  else refused++;
  return response.ok ? text : "";
}

/** This many requests at a time, one after the other in each line. */
const lines = (count: number, step: (line: number, i: number) => Promise<unknown>): Promise<unknown> =>
  Promise.all(
    Array.from({ length: count }, async (_, line) => {
      for (let i = 0; !isOver(); i++) await step(line, i);
    }),
  );

/** A socket that waits only for requested answers. */
function open(user: string, device: string, onFrame: (text: string, socket: WebSocket) => void = () => {}) {
  const { promise, resolve } = Promise.withResolvers<WebSocket | null>();
  const socket = new WebSocket(`ws://127.0.0.1:${input.port}/ws?user=${user}&device=${device}`);
  socket.onmessage = ({ data }: MessageEvent<string>) => {
    if (data.startsWith('{"type":"welcome"')) resolve(socket);
    onFrame(data, socket);
  };
  socket.onclose = () => resolve(null);
  return promise;
}

/** Frames over some sockets, this many at a time: the next ones once a `pong` shows that these were handled. */
async function frames(
  user: string,
  frameOf: (i: number, cursor: string) => object,
  { atOnce = 200, sockets = 4 } = {},
): Promise<void> {
  const opened = await Promise.all(
    Array.from({ length: sockets }, (_, i) => {
      let count = 0;
      let cursor = "";
      const more = (socket: WebSocket): void => {
        if (isOver()) return;
        for (let k = 0; k < atOnce; k++) socket.send(JSON.stringify(frameOf(count++, cursor)));
        socket.send('{"type":"ping"}');
      };
      return open(user, `s${i}`, (text, socket) => {
        cursor = /"cursor":"([^"]+)"/.exec(text)?.[1] ?? cursor;
        if (text.startsWith('{"type":"welcome"')) return more(socket);
        if (text.startsWith('{"type":"error"')) refused++;
        if (!text.startsWith('{"type":"pong"')) return;
        done += atOnce;
        more(socket);
      });
    }),
  );
  while (!isOver()) await Bun.sleep(20);
  for (const socket of opened) socket?.close();
}

/** Connects again and again, at this rate per second, and leaves after the first frames. */
async function reconnect(user: string, perSecond: number): Promise<void> {
  const begun = performance.now();
  for (let i = 0; !isOver(); i++) {
    await Bun.sleep(Math.max(0, begun + (i * 1_000) / perSecond - performance.now()));
    void open(user, `r${i % 50}`).then((socket) => {
      if (socket) done++;
      else refused++;
      setTimeout(() => socket?.close(), 50);
    });
  }
}

const message = (to: string, text: string) => ({ type: "send", id: Bun.randomUUIDv7(), to, text });

/** The conversation of a user who has only one peer. */
async function conversationOf(user: string): Promise<string> {
  const list = await request(user, "/conversations?limit=1");
  const [first] = (JSON.parse(list) as { conversations: { id: string }[] }).conversations;
  if (!first) throw new Error(`${user} has no conversation`);
  return first.id;
}

const acts: Readonly<Record<string, () => Promise<unknown>>> = {
  /** Marks that fall between an old message of the other one and a new one. */
  async reads() {
    const conversation = await conversationOf(people.walker);
    await frames(people.walker, (i) => ({ type: "read", conversation, seq: 2 + (i % 1_000_000) }));
  },
  acks: () => frames(people.walker, (_, cursor) => ({ type: "ack", cursor }), { atOnce: 1_000 }),
  "refused frames": () =>
    frames("pinger", (i) => ({ type: "typing", to: "pinger", typing: i % 2 === 0 }), { atOnce: 1_000 }),
  replays: () => reconnect(people.sleeper, 10),
  "control replays": () => reconnect(people.control, 10),
  connects: () => reconnect("visitor", 200),
  watches: () =>
    frames(
      "watcher",
      (i) => ({ type: "watch", users: Array.from({ length: 500 }, (_, k) => `watched-${(i * 500 + k) % 20_000}`) }),
      { atOnce: 10 },
    ),
  typing: () =>
    frames("typist", (i) => ({ type: "typing", to: `nobody-${i}`, typing: true }), { atOnce: 200, sockets: 8 }),
  explain: () => lines(8, () => request(people.many, `/push/explain?message=${explainedId}`)),
  history: () => lines(16, () => request(people.lister, `/messages?with=${peerOf(people.lister)}&limit=200`)),
  everything: () => lines(16, () => request(people.lister, "/messages?limit=200&since=1")),
  conversations: () => lines(16, () => request(people.lister, "/conversations?limit=200")),
  unread: () => lines(16, () => request(people.unread, "/conversations?limit=200")),
  blocks: () =>
    lines(8, (line, i) => {
      const other = line === 0 ? peerOf(people.walker) : `blocked-${line}-${i % 100}`;
      return request(people.walker, `/blocks/${other}`, { method: i % 2 === 0 ? "PUT" : "DELETE" });
    }),
  /** The most sockets that one user may have, each of a device of its own, which all ack the same messages at once. */
  async devices() {
    const sockets: WebSocket[] = [];
    let cursor = "";
    for (let i = 0; i < 90 && i < input.devices; i++) {
      const socket = await open(people.many, `d${i}`, (text) => {
        if (text.startsWith('{"type":"changes"')) cursor = /"cursor":"([^"]+)"/.exec(text)?.[1] ?? cursor;
      });
      if (socket) sockets.push(socket);
    }
    const sender = await open(peerOf(people.many), "d");
    while (!isOver()) {
      for (let k = 0; k < 50; k++) sender?.send(JSON.stringify(message(people.many, "hello")));
      await Bun.sleep(100);
      for (const socket of sockets) socket.send(JSON.stringify({ type: "ack", cursor }));
      done += sockets.length;
    }
  },
  "new devices": () => lines(16, (line, i) => request("maker", `/messages?device=n-${line}-${i}`)),
  /** Long texts to the user's other account, over many connections. */
  async sends() {
    const text = "y".repeat(16_000);
    const sockets = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        open("flooder", `f${i}`, (frame, socket) => {
          if (frame.startsWith('{"type":"rejected"')) refused++;
          else if (frame.startsWith('{"type":"accepted"')) done++;
          else return;
          if (!isOver()) socket.send(JSON.stringify(message("flooded", text)));
        }),
      ),
    );
    for (const socket of sockets) for (let k = 0; k < 64; k++) socket?.send(JSON.stringify(message("flooded", text)));
    while (!isOver()) await Bun.sleep(20);
  },
  /** Messages for a user with a device that never connects, and with more unread than any user reads: each is a badge. */
  async badges() {
    await request(people.unread, "/devices/away", {
      method: "PUT",
      body: { push: { provider: "at-once", token: "t" } },
    });
    await lines(4, (line) =>
      request(`unread-${line}`, "/messages", {
        method: "POST",
        body: { id: Bun.randomUUIDv7(), to: people.unread, text: "news" },
      }),
    );
  },
};

const act = acts[input.act];
if (!act) throw new Error(`There is no act ${input.act}`);
await act();
answer({ done, refused } satisfies ActAnswer);
process.exit(0);
