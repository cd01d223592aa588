import type { ServerFrame } from "../../../src/protocol/frame.ts";
import type { Event, Sighting } from "../checker/checker.ts";
import type { Timeline } from "../sim/timeline.ts";
import { createWire, type Wire } from "./wire.ts";

export type Target = { readonly to: string } | { readonly conversation: string };

/** The final answer that a send must get. */
export type Wanted = "accepted" | "duplicate" | "conflict" | "not_found";

type Waiting = {
  readonly id: string;
  readonly target: Target;
  readonly text: string;
  readonly wanted: Wanted;
  /** Sends that follow once this one was accepted. */
  readonly followUps: readonly Wanted[];
  /** On the current connection. */
  isSent: boolean;
};

export type DeviceOptions = {
  readonly timeline: Timeline;
  readonly user: string;
  readonly name: string;
  readonly isTalker: boolean;
  /** Takes a connection, or refuses it. */
  readonly open: (wire: Wire, cursor: string | undefined) => boolean;
  /** Whether an ack may move the position where another device of the user will start. */
  readonly mayAck: () => boolean;
  /** Whether the server is shutting down, so that it may close with 1012. */
  readonly isStopping: () => boolean;
  /** `accepted` has left the server: it must be in the database now. */
  readonly onAccepted: (frame: Extract<ServerFrame, { type: "accepted" }>) => void;
  readonly log: (event: Event) => void;
  readonly newId: () => string;
};

const comeBackMs = 15;

/** A model client: a durable outbox, rows that it upserts, a cursor stored with them. It checks the server against PROTOCOL 4. */
export function createDevice(options: DeviceOptions) {
  const { timeline, user, name, isTalker, log } = options;
  const reader = `${user}/${name}`;
  const outbox: Waiting[] = [];
  const rows = new Map<string, Sighting & { readonly to: string }>();
  const faults: string[] = [];
  const fault = (text: string): void => void faults.push(`${reader}: ${text}`);
  let cursor: string | undefined;
  let window = 1;
  let wire: Wire | null = null;
  let isWelcome = false;
  let hasStarted = false;
  /** Sent on this connection and not answered, in their order. */
  let unanswered: Waiting[] = [];
  /** The store failed on this connection: no more is sent on it, and 1011 must follow. */
  let isFailed = false;
  /** A new send was refused on this connection: no later one on it may be accepted. */
  let isBroken = false;
  let isLeaving = false;
  /** Sends on this connection that were in a failed call: each must be refused before the end. */
  let due = new Set<string>();

  function connect(): void {
    if (wire) return;
    const made = createWire(timeline, {
      receive: (frame) => void (wire === made && receive(frame)),
      closed: (code) => void (wire === made && closed(code)),
      sent: (frame) => void (frame.type === "accepted" && options.onAccepted(frame)),
    });
    const isKnown = options.mayAck() ? cursor : undefined;
    if (!options.open(made, isKnown)) return void timeline.after(comeBackMs, connect);
    wire = made;
    isWelcome = false;
    isFailed = false;
    isBroken = false;
    unanswered = [];
    due = new Set();
    for (const waiting of outbox) waiting.isSent = false;
    log({ type: "connect", reader });
  }

  function closed(code: number): void {
    wire = null;
    if (!isLeaving) {
      if ((isFailed || due.size > 0) && code !== 1011 && !options.isStopping())
        fault(`the store failed, and the connection was closed with ${code}, not 1011`);
      for (const id of due) fault(`${id} was in a call that failed, and was not answered unavailable`);
      if (![1011, 1012].includes(code)) fault(`closed with ${code}`);
    }
    isLeaving = false;
    void timeline.after(comeBackMs, connect);
  }

  function flush(): void {
    if (isFailed || !isWelcome) return;
    for (const waiting of outbox) {
      if (waiting.isSent) continue;
      if (unanswered.length >= window) return;
      waiting.isSent = true;
      unanswered.push(waiting);
      wire?.say({ type: "send", id: waiting.id, ...waiting.target, text: waiting.text });
    }
  }

  function answered(frame: Extract<ServerFrame, { type: "accepted" | "rejected" }>): void {
    const code = frame.type === "accepted" ? "accepted" : frame.code;
    const waiting = unanswered.shift();
    if (waiting?.id !== frame.id) return fault(`${frame.id} was answered where ${waiting?.id} is due`);
    due.delete(frame.id);
    if (code === "unavailable") {
      // It is sent again on the next connection, with all unanswered sends after it.
      isFailed = true;
      isBroken ||= waiting.wanted === "accepted";
      return;
    }
    if (isBroken) fault(`${frame.id} was answered ${code} behind a send that was refused for the store's failure`);
    outbox.splice(outbox.indexOf(waiting), 1);
    const { wanted, text, target, id } = waiting;
    const isRight = wanted === "duplicate" ? frame.type === "accepted" && frame.duplicate : code === wanted;
    if (!isRight) fault(`${id} was answered ${JSON.stringify(frame)}, wanted ${wanted}`);
    if (frame.type !== "accepted") return flush();
    const { conversation, seq } = frame;
    log({ type: "accepted", from: user, id, conversation, seq });
    rows.set(`${conversation} ${seq}`, {
      ...{ conversation, seq, id, from: user, text },
      to: "to" in target ? target.to : (peerOf(conversation) ?? ""),
    });
    for (const next of waiting.followUps)
      outbox.push({
        ...{ id, target, wanted: next, followUps: [], isSent: false },
        text: next === "conflict" ? `${text} otherwise` : text,
      });
    flush();
  }

  const peerOf = (conversation: string): string | undefined => {
    for (const row of rows.values())
      if (row.conversation === conversation) return row.from === user ? row.to : row.from;
    return undefined;
  };

  function receive(frame: ServerFrame): void {
    switch (frame.type) {
      case "welcome":
        hasStarted = true;
        isWelcome = true;
        window = frame.limits.sendWindow;
        return flush();
      case "changes":
        for (const change of frame.changes) {
          if (change.kind !== "message" && change.kind !== "receipt") continue;
          if (change.kind === "receipt") {
            if (change.read > change.delivered) fault(`read is beyond delivered: ${JSON.stringify(change)}`);
            continue;
          }
          const { conversation, seq, id, from, to = "", text } = change;
          rows.set(`${conversation} ${seq}`, { conversation, seq, id, from, to, text });
          // A sender's own messages come as accepted or as a change: only a device that never sends sees a log without gaps.
          if (!isTalker) log({ type: "seen", reader, conversation, seq, id, from, text });
        }
        cursor = frame.cursor;
        if (options.mayAck()) wire?.say({ type: "ack", cursor });
        return;
      case "accepted":
      case "rejected":
        return answered(frame);
      case "error":
      case "reset":
        return fault(`unexpected ${JSON.stringify(frame)}`);
      default:
        return;
    }
  }

  return {
    user,
    reader,
    isTalker,
    connect,
    send(
      target: Target,
      text: string,
      { wanted = "accepted", followUps = [] }: { wanted?: Wanted; followUps?: Wanted[] } = {},
    ) {
      const id = options.newId();
      outbox.push({ id, target, text, wanted, followUps, isSent: false });
      if (wanted === "accepted") log({ type: "attempt", lane: reader, from: user, id, text });
      flush();
    },
    /** The conversation with a user, once this device knows it. */
    conversationWith: (other: string): string | undefined =>
      [...rows.values()].find(({ from, to }) => from === other || to === other)?.conversation,
    /** Marks everything so far as read. */
    readAll(): void {
      const last = new Map<string, number>();
      for (const { conversation, seq } of rows.values())
        last.set(conversation, Math.max(seq, last.get(conversation) ?? 0));
      for (const [conversation, seq] of last) wire?.say({ type: "read", conversation, seq });
    },
    typing: (target: Target): void => wire?.say({ type: "typing", ...target, typing: true }),
    cut(): void {
      if (!wire) return;
      isLeaving = true;
      wire.cut();
    },
    stall: (): void => wire?.stall(),
    drain: (): void => wire?.read(),
    /** Those of these sends that wait on an open connection must now be refused on it. */
    mustBeRefused(ids: readonly string[]): void {
      if (!wire?.isOpen()) return;
      for (const id of ids) if (outbox.some((waiting) => waiting.id === id && waiting.isSent)) due.add(id);
    },
    hasStarted: (): boolean => hasStarted,
    waiting: (): number => outbox.length,
    rows: (): readonly Sighting[] => [...rows.values()],
    faults: (): readonly string[] => faults,
  };
}

export type Device = ReturnType<typeof createDevice>;
