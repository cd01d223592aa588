import type { ServerFrame } from "../../src/protocol/frame.ts";
import type { Event, Sighting } from "../checker/checker.ts";
import type { Chance } from "./chance.ts";
import { createLink, type Link } from "./link.ts";
import type { SimNode } from "./node.ts";
import type { Timeline } from "./timeline.ts";

export type DeviceOptions = {
  readonly timeline: Timeline;
  readonly chance: Chance;
  readonly linkMs: number;
  readonly user: string;
  readonly name: string;
  /** Whether it ever sends. */
  readonly isTalker: boolean;
  /** A node that may take a connection now; null: none does. */
  readonly node: () => SimNode | null;
  readonly log: (event: Event) => void;
  readonly newId: () => string;
};

type Waiting = { readonly id: string; readonly to: string; readonly text: string; isSent: boolean };

/** A model client: a durable outbox, rows upserted by (conversation, seq), the cursor stored with them. */
export function createDevice({ timeline, chance, linkMs, user, name, isTalker, node, log, newId }: DeviceOptions) {
  const reader = `${user}/${name}`;
  /** What survives a crash of the client. */
  let cursor: string | undefined;
  const rows = new Map<string, Sighting>();
  const receipts = new Map<string, { delivered: number; read: number }>();
  const outbox: Waiting[] = [];
  const faults: string[] = [];
  let link: Link | null = null;
  let window = 1;
  let isComing = false;
  let bufferedMax = 0;

  function connect(): void {
    isComing = false;
    const server = node();
    if (link || !server) return comeBack();
    const made = createLink(timeline, chance, {
      linkMs,
      client: {
        receive: (frame) => link === made && receive(JSON.parse(frame) as ServerFrame),
        closed() {
          bufferedMax = Math.max(bufferedMax, made.bufferedMax());
          if (link === made) link = null;
          comeBack();
        },
      },
    });
    const events = server.connect(made.socket, user, name, cursor);
    if (!events) return comeBack();
    link = made;
    made.attach(events);
    for (const waiting of outbox) waiting.isSent = false;
    log({ type: "connect", reader });
  }

  function comeBack(): void {
    if (isComing || link) return;
    isComing = true;
    void timeline.after(chance.between(10, 400), connect);
  }

  function flush(): void {
    const unanswered = outbox.filter(({ isSent }) => isSent).length;
    for (const waiting of outbox.filter(({ isSent }) => !isSent).slice(0, Math.max(0, window - unanswered))) {
      waiting.isSent = true;
      link?.say({ type: "send", id: waiting.id, to: waiting.to, text: waiting.text });
    }
  }

  function store(message: Sighting): void {
    rows.set(`${message.conversation} ${message.seq}`, message);
  }

  function receive(frame: ServerFrame): void {
    switch (frame.type) {
      case "welcome":
        window = frame.limits.sendWindow;
        return flush();
      case "changes": {
        for (const change of frame.changes) {
          if (change.kind === "message") {
            const { conversation, seq, id, from, text } = change;
            store({ conversation, seq, id, from, text });
            // One's own messages come as accepted or as a change: only who never sends sees a log without gaps.
            if (!isTalker) log({ type: "seen", reader, conversation, seq, id, from, text });
            if (from !== user && chance.hits(0.2)) link?.say({ type: "read", conversation, seq });
          } else takeReceipt(change);
        }
        cursor = frame.cursor;
        if (chance.hits(0.5)) link?.say({ type: "ack", cursor: frame.cursor });
        return;
      }
      case "accepted": {
        const at = outbox.findIndex(({ id }) => id === frame.id);
        const [waiting] = at === -1 ? [] : outbox.splice(at, 1);
        if (waiting) {
          if (at !== 0) faults.push(`${reader}: ${frame.id} was answered before what was sent before it`);
          const { conversation, seq } = frame;
          store({ conversation, seq, id: frame.id, from: user, text: waiting.text });
          log({ type: "accepted", from: user, id: frame.id, conversation, seq });
        }
        return flush();
      }
      case "rejected":
        if (frame.retry === "never") faults.push(`${reader}: ${frame.id} was rejected for ever: ${frame.code}`);
        return;
      case "error":
      case "reset":
        faults.push(`${reader}: unexpected ${JSON.stringify(frame)}`);
        return;
      default:
        return;
    }
  }

  function takeReceipt(change: { conversation: string; user: string; delivered: number; read: number }): void {
    const key = `${change.conversation} ${change.user}`;
    const before = receipts.get(key) ?? { delivered: 0, read: 0 };
    if (change.read > change.delivered) faults.push(`${reader}: read is beyond delivered: ${JSON.stringify(change)}`);
    receipts.set(key, {
      delivered: Math.max(before.delivered, change.delivered),
      read: Math.max(before.read, change.read),
    });
  }

  return {
    user,
    reader,
    isTalker,
    start: connect,
    send(to: string, text: string): void {
      const waiting = { id: newId(), to, text, isSent: false };
      outbox.push(waiting);
      log({ type: "attempt", lane: reader, from: user, id: waiting.id, text });
      if (link?.isOpen()) flush();
    },
    cut(isHalfOpen: boolean): void {
      link?.cut(isHalfOpen);
    },
    stall(ms: number): void {
      const stalled = link;
      stalled?.stall();
      void timeline.after(ms, () => stalled?.read());
    },
    /** The client dies: its connection goes, what it stored stays. */
    crash(): void {
      const old = link;
      link = null;
      old?.cut(chance.hits(0.5));
      comeBack();
    },
    waiting: (): number => outbox.length,
    rows: (): readonly Sighting[] => [...rows.values()],
    receipts: (): ReadonlyMap<string, { delivered: number; read: number }> => receipts,
    faults: (): readonly string[] => faults,
    bufferedMax: (): number => Math.max(bufferedMax, link?.bufferedMax() ?? 0),
  };
}

export type SimDevice = ReturnType<typeof createDevice>;
