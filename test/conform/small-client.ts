import { randomUUID } from "node:crypto";
import { createInterface } from "node:readline";
import { PassThrough } from "node:stream";
import type { Change, Frame } from "../../src/conform/frames.ts";
import type { Address, Dump, Line, Program, ShownMessage } from "../../src/conform/index.ts";
import { decodeFrame, encodeFrame, type EncodeOptions, opcode } from "../../src/conform/wire/frame-codec.ts";
import { upgrade } from "../../src/conform/wire/upgrade.ts";
import { createWebSocketEnd } from "../../src/conform/wire/web-socket.ts";
import { createPeople } from "./small-people.ts";
import { type Connection, openPolling } from "./small-polling.ts";

/** What a client does wrong. */
export type Mistake =
  | "shows the newest first"
  | "acks before it stores"
  | "keeps its outbox in memory"
  | "makes a new id for each try"
  | "makes a new id after a start"
  | "removes a text when it is sent"
  | "does not store its own messages"
  | "sends the newest first"
  | "knows messages by their id"
  | "cuts long texts"
  | "ignores the window"
  | "ignores retryAfterMs"
  | "lets others pass a message that waits"
  | "tries a refused message again"
  | "ends at a refusal"
  | "forgets its cursor"
  | "makes a new device at each start"
  | "shows what comes again"
  | "shows an own message that comes as a change"
  | "stores the cursor before the pages"
  | "does not come back after a cut"
  | "ignores empty changes"
  | "has no device"
  | "waits for the first seq"
  | "knows messages by their seq alone"
  | "takes 4429 for the end"
  | "comes back after 4501"
  | "ignores the delay of a close"
  | "takes 4401 for the end"
  | "gives up after a refused upgrade"
  | "tries without a delay"
  | "answers no ping"
  | "reads no fragments"
  | "sends twice when it is slow"
  | "ends at an unknown kind"
  | "ends at an unknown conversation"
  | "needs a tenant"
  | "ends at an error"
  | "does not look at the identity"
  | "keeps its cache at a reset"
  | "drops its outbox at a reset"
  | "stores the cursor of a reset first"
  | "knows WebSockets alone"
  | "polls on before it stores"
  | "shows no marks"
  | "shows one mark for all messages"
  | "tells nothing of what was read"
  | "takes what comes as read"
  | "shows typing until its end comes"
  | "sends typing at each keystroke"
  | "watches on its first connection alone"
  | "sends frames without a mask"
  | "sends binary frames"
  | "sends texts that are not UTF-8"
  | "sets a reserved bit";

/** A row that waits. */
type Row = { id: string; readonly to: string; readonly text: string };
type Disk = { device: string; cursor: string | null; messages: ShownMessage[]; outbox: Row[] };

/** By folder: it outlives the client. */
const disks = new Map<string, Disk>();
const firstDelayMs = 100;
/** How long a write takes that comes too late: longer than a busy machine needs to end the client before it. */
const slowWriteMs = 2_000;

/** A client of PROTOCOL.md in as few lines as it takes, with a mistake. It runs in this process; `kill` leaves its disk as it is at that moment. */
export const smallClient =
  (mistake: Mistake | null) =>
  (address: Address): Program => {
    const lines: Line[] = [];
    let state: "running" | "killed" | "ended" = "running";
    const client = run(address, mistake, {
      print: (line) => void (state === "running" && lines.push(line)),
      isRunning: () => state === "running",
      end: () => void (state = "ended"),
    });
    const input = new PassThrough();
    createInterface({ input }).on("line", (line) => state === "running" && client.tell(JSON.parse(line)));
    return {
      tell: (order) => void input.write(`${JSON.stringify(order).replaceAll("\u2028", "\\u2028")}\n`),
      lines: () => lines,
      async kill() {
        state = "killed";
        client.cut();
      },
      hasEnded: () => state === "ended",
      complaints: () => "",
    };
  };

/** What is wrong about the bytes of a frame. */
const alterations: Partial<Record<Mistake, (frame: Buffer) => Buffer>> = {
  "sends frames without a mask": (frame) => remade(frame, { isMasked: false }),
  "sends binary frames": (frame) => remade(frame, { op: opcode.binary }),
  "sends texts that are not UTF-8": (frame) =>
    remade(frame, {}, (payload) => Buffer.concat([payload.subarray(0, -2), Buffer.of(0xff), payload.subarray(-2)])),
  "sets a reserved bit": (frame) => Buffer.concat([Buffer.of((frame[0] ?? 0) | 0x40), frame.subarray(1)]),
};

/** A text frame with another payload or form; others stay as they are. */
function remade(frame: Buffer, form: Partial<EncodeOptions>, change = (payload: Buffer): Buffer => payload): Buffer {
  const found = decodeFrame(frame)?.frame;
  if (found?.op !== opcode.text) return frame;
  return encodeFrame(change(found.payload), { op: opcode.text, isMasked: true, ...form });
}

/** A line of the kit. */
export type Order = {
  readonly do: string;
  readonly to: string;
  readonly text: string;
  readonly seq: number;
  readonly user: string;
};

type Host = { print(line: Line): void; isRunning(): boolean; end(): void };

function run({ url, user, token, storage }: Address, mistake: Mistake | null, { print, isRunning, end }: Host) {
  const does = (one: Mistake): boolean => mistake === one;
  const made: Disk = { device: randomUUID(), cursor: null, messages: [], outbox: [] };
  const disk = disks.get(storage) ?? made;
  disks.set(storage, disk);
  if (does("makes a new device at each start")) disk.device = randomUUID();
  if (does("forgets its cursor")) disk.cursor = null;
  if (does("makes a new id after a start")) for (const row of disk.outbox) row.id = randomUUID();
  let memory: Row[] = does("keeps its outbox in memory") ? [] : disk.outbox;
  let socket: Connection | null = null;
  let link: { welcome: Frame | null; sent: Set<string>; failures: number } = {
    welcome: null,
    sent: new Set(),
    failures: 0,
  };
  /** Upgrades that were refused, one after the other. */
  let refused = 0;
  let heldUntil = 0;
  const backlog: Change[] = [];
  const shown = new Set<string>();
  const later = (act: () => void, ms: number): void => void setTimeout(() => isRunning() && act(), ms);

  const people = createPeople({
    ...{ user, does, print, later, messages: () => disk.messages },
    send: (frame) => link.welcome !== null && socket?.sendText(JSON.stringify(frame)),
  });

  /** Once two upgrades were refused, as behind a proxy that knows no WebSockets. */
  function poll(): void {
    link = { welcome: null, sent: new Set(), failures: link.failures };
    socket = openPolling({
      ...{ url, token, does, isRunning, receive, device: disk.device, cursor: () => disk.cursor },
      onEnd: () => isRunning() && closed(1006, ""),
    });
  }

  async function connect(): Promise<void> {
    if (refused >= 2 && !does("knows WebSockets alone")) return poll();
    const query = new URLSearchParams({ device: does("has no device") ? "default" : disk.device });
    if (disk.cursor !== null) query.set("cursor", disk.cursor);
    const answer = await upgrade(new URL(`${url}/ws?${query.toString()}`), { authorization: `Bearer ${token}` }).catch(
      () => null,
    );
    if (!isRunning()) return void answer?.stream.destroy();
    if (answer === null || answer.status !== 101) {
      if (does("gives up after a refused upgrade") && answer !== null) return end();
      refused = answer?.status === 426 ? refused + 1 : 0;
      return again(null);
    }
    const { stream, head } = answer;
    if (does("answers no ping")) {
      const write = stream.write.bind(stream);
      stream.write = ((bytes: Buffer) => ((bytes[0] ?? 0) & 15) === 10 || write(bytes)) as typeof stream.write;
    }
    const alter = Object.entries(alterations).find(([one]) => one === mistake)?.[1];
    if (alter !== undefined) {
      const write = stream.write.bind(stream);
      stream.write = ((bytes: Buffer) => write(alter(bytes))) as typeof stream.write;
    }
    if (does("reads no fragments")) {
      const emit = stream.emit.bind(stream);
      let bytes = Buffer.alloc(0);
      stream.emit = (name: string, ...args: unknown[]) => {
        if (name !== "data") return emit(name, ...args);
        bytes = Buffer.concat([bytes, args[0] as Buffer]);
        for (let found = decodeFrame(bytes); found !== null; found = decodeFrame(bytes)) {
          if (!found.frame.isFinal) return true;
          emit(name, bytes.subarray(0, bytes.length - found.rest.length));
          bytes = Buffer.from(found.rest);
        }
        return true;
      };
    }
    link = { welcome: null, sent: new Set(), failures: link.failures };
    socket = createWebSocketEnd(stream, {
      ...{ role: "client", head },
      onText: (text) => isRunning() && receive(JSON.parse(text) as Frame),
      onFault: end,
      onClose: ({ code, reason }) => isRunning() && closed(code, reason),
    });
  }

  function closed(code: number, reason: string): void {
    socket = null;
    backlog.splice(0);
    const isFinal =
      (code >= 4500 && code < 5000 && !does("comes back after 4501")) ||
      (code === 4429 && does("takes 4429 for the end")) ||
      (code === 4401 && does("takes 4401 for the end")) ||
      (code === 1006 && does("does not come back after a cut"));
    if (isFinal) return print({ status: { state: "ended" } });
    const [, named] = /retryAfterMs=(\d+)/.exec(reason) ?? [];
    again(named === undefined || does("ignores the delay of a close") ? null : Number(named));
  }

  function again(namedMs: number | null): void {
    link.failures += 1;
    const ms = firstDelayMs * 2 ** Math.min(link.failures, 6);
    // All at once: how many it makes of them in a time depends on the machine.
    if (does("tries without a delay") && link.failures === 1) for (let at = 0; at < 20; at++) void connect();
    else later(() => void connect(), namedMs ?? ms);
  }

  function receive(frame: Frame): void {
    if (frame.type === "welcome") return welcome(frame);
    if (link.welcome === null) return;
    if (frame.type === "changes") return take(frame);
    if (frame.type === "accepted") return accepted(frame);
    if (frame.type === "rejected") return rejected(frame);
    if (frame.type === "reset") return reset(frame.cursor ?? "");
    if (frame.type === "typing" || frame.type === "presence") people.take(frame);
    if (frame.type === "error" && does("ends at an error")) end();
    if (frame.type === "kit-unheard-of" && does("ends at an unknown kind")) end();
  }

  function welcome(frame: Frame): void {
    if (frame.tenant === undefined && does("needs a tenant")) return end();
    if (frame.user !== user && !does("does not look at the identity")) {
      socket?.cut();
      return print({ status: { state: "unauthenticated" } });
    }
    link = { welcome: frame, sent: new Set(), failures: 0 };
    print({ status: { state: "online" } });
    people.welcome();
    flush();
  }

  function flush(): void {
    const window = does("ignores the window") ? Infinity : (link.welcome?.limits?.sendWindow ?? 0);
    const isWaiting = Date.now() < heldUntil;
    if (isWaiting && !does("lets others pass a message that waits")) return later(flush, heldUntil - Date.now());
    const rows = does("sends the newest first") ? memory.toReversed() : memory;
    for (const row of rows) {
      if (socket === null || link.welcome === null || link.sent.size >= window) return;
      if (link.sent.has(row.id)) continue;
      if (does("makes a new id for each try")) row.id = randomUUID();
      link.sent.add(row.id);
      const text = does("cuts long texts") ? row.text.slice(0, 1_000) : row.text;
      socket.sendText(JSON.stringify({ type: "send", id: row.id, to: row.to, text }));
      if (does("sends twice when it is slow")) later(() => twice(row), 400);
      if (does("removes a text when it is sent")) remove(row.id);
    }
  }

  function twice(row: Row): void {
    if (!memory.includes(row)) return;
    row.id = randomUUID();
    flush();
  }

  const remove = (id: string): void => {
    memory = memory.filter((row) => row.id !== id);
    if (!does("keeps its outbox in memory")) disk.outbox = memory;
  };

  function accepted({ id = "", conversation = "", seq = 0 }: Frame): void {
    const row = memory.find((one) => one.id === id);
    link.sent.delete(id);
    remove(id);
    if (row !== undefined && !does("does not store its own messages"))
      store({ conversation, seq, id: id.toLowerCase(), from: user, text: row.text });
    print({ item: { id, state: "accepted" } });
    people.showMarks(conversation);
    flush();
  }

  function rejected({ id = "", code = "", retry, retryAfterMs = 0 }: Frame): void {
    link.sent.delete(id);
    if (retry === "later") {
      if (!does("ignores retryAfterMs")) heldUntil = Date.now() + retryAfterMs;
      if (does("lets others pass a message that waits")) {
        const isFirst = memory[0]?.id === id;
        link.sent.add(id);
        const retryNow = (): void => {
          link.sent.delete(id);
          flush();
        };
        return later(retryNow, retryAfterMs * (isFirst ? 2 : 1));
      }
      // Those after it were sent too: they go again, after it.
      return flush();
    }
    print({ item: { id, state: "failed", code } });
    if (does("ends at a refusal")) return end();
    if (does("tries a refused message again")) return later(flush, 200);
    remove(id);
  }

  function take(frame: Frame): void {
    const { changes = [], cursor = "", more } = frame;
    if (does("ignores empty changes") && changes.length === 0) return;
    const isEarly = does("acks before it stores");
    const act = (): void => {
      for (const change of changes) apply(change);
      disk.cursor = cursor;
    };
    if (does("stores the cursor before the pages")) {
      disk.cursor = cursor;
      backlog.push(...changes);
      return more === true ? undefined : backlog.splice(0).forEach(apply);
    }
    if (!isEarly) act();
    socket?.sendText(JSON.stringify({ type: "ack", cursor }));
    if (isEarly) later(act, slowWriteMs);
  }

  function apply(change: Change): void {
    if (change.kind === "kit-unheard-of" && does("ends at an unknown kind")) return end();
    if (
      change.kind === "receipt" &&
      does("ends at an unknown conversation") &&
      !disk.messages.some((one) => one.conversation === change.conversation)
    )
      return end();
    if (change.kind === "receipt") people.marked(change);
    if (change.kind !== "message") return;
    const { conversation = "", seq = 0, id = "", from = "", text = "" } = change;
    if (does("waits for the first seq") && seq > 1 && !disk.messages.some((one) => one.conversation === conversation))
      return;
    const isOwn = from === user;
    if (isOwn && does("shows an own message that comes as a change"))
      disk.messages.push({ conversation, seq, id, from, text });
    else store({ conversation, seq, id, from, text });
    const key = `${conversation} ${seq}`;
    if (isOwn || (shown.has(key) && !does("shows what comes again"))) return;
    shown.add(key);
    people.came({ conversation, seq, from });
    print({ message: { conversation, seq, id, from, text } });
  }

  function store(message: ShownMessage): void {
    const isSame = (one: ShownMessage): boolean =>
      does("knows messages by their id")
        ? one.id === message.id
        : one.seq === message.seq &&
          (one.conversation === message.conversation || does("knows messages by their seq alone"));
    disk.messages = [...disk.messages.filter((one) => !isSame(one)), message];
    // An own message that was accepted on a connection that is lost.
    if (message.from === user) remove(memory.find(({ id }) => id.toLowerCase() === message.id)?.id ?? "");
  }

  function reset(cursor: string): void {
    if (does("stores the cursor of a reset first")) {
      disk.cursor = cursor;
      return later(() => void (disk.messages = []), slowWriteMs);
    }
    if (!does("keeps its cache at a reset")) disk.messages = [];
    if (does("drops its outbox at a reset")) memory = disk.outbox = [];
    disk.cursor = cursor;
    link.sent.clear();
    flush();
  }

  function dumpOf(): Dump {
    const messages = disk.messages.toSorted((a, b) => a.conversation.localeCompare(b.conversation) || a.seq - b.seq);
    return { messages: does("shows the newest first") ? messages.toReversed() : messages, outbox: memory };
  }

  void connect();
  return {
    cut: () => socket?.cut(),
    tell(order: Order): void {
      if (order.do === "dump") return print({ dump: dumpOf() });
      if (order.do !== "send") return people.tell(order);
      const row = { id: randomUUID(), to: order.to, text: order.text };
      memory = [...memory, row];
      if (!does("keeps its outbox in memory")) disk.outbox = memory;
      print({ item: { id: row.id, state: "queued" } });
      flush();
    },
  };
}
