import { randomUUID } from "node:crypto";
import { ensure, until } from "../check.ts";
import { type Change, type Frame, readFrame } from "../frames.ts";
import type { Upgraded } from "../wire/upgrade.ts";
import { type Closed, createWebSocketEnd } from "../wire/web-socket.ts";

/** A user or a conversation, as a frame names it. */
export type Target = { readonly to: string } | { readonly conversation: string };

/** One open socket of a user, which checks the form of every frame. */
export interface Connection {
  readonly welcome: Frame;
  /** What came, in order. */
  frames(): readonly Frame[];
  /** The first frame of this type that no call has taken and that fulfils `is`, also one that is still to come. */
  next(type: string, is?: (frame: Frame) => boolean): Promise<Frame>;
  /** The same of a change, whichever frame it is in. */
  change(kind: string, is?: (change: Change) => boolean): Promise<Change>;
  changes(kind: string): readonly Change[];
  /** Sends a frame. */
  send(frame: object): void;
  sendText(text: string): void;
  sendBytes(bytes: Uint8Array): void;
  /** Sends a message and resolves with its answer. */
  message(target: Target, text: string, id?: string): Promise<Frame>;
  /** The same for one that must be accepted. */
  accepted(target: Target, text: string, id?: string): Promise<Frame>;
  /** Resolves when everything that was sent before has been handled. */
  settle(): Promise<void>;
  /** The last cursor that came. */
  cursor(): string;
  /** Acks the last cursor that came. */
  ack(): void;
  /** Resolves with how it was closed. */
  ended(): Promise<Closed>;
  isOpen(): boolean;
  close(): Promise<void>;
  /** What is wrong with frames that came. */
  faults(): readonly string[];
}

export type ConnectionOptions = {
  /** Who it is of, in a report. */
  readonly name: string;
  /** How long an answer may take. */
  readonly answerMs: number;
};

/** Resolves after `welcome` and the first `changes` with nothing behind it. */
export async function createConnection(upgraded: Upgraded, { name, answerMs }: ConnectionOptions): Promise<Connection> {
  const all: Frame[] = [];
  const taken = new Set<object>();
  const faults: string[] = [];
  let ended: Closed | null = null;
  const socket = createWebSocketEnd(upgraded.stream, {
    role: "client",
    head: upgraded.head,
    onText(text) {
      const frame = readFrame(text);
      if ("fault" in frame) faults.push(frame.fault);
      else all.push(frame);
    },
    onFault: (fault) => faults.push(`the server sent ${fault}`),
    onClose: (closed) => (ended = closed),
  });
  const seen = (): string => {
    const last = all.slice(-4).map((frame) => JSON.stringify(frame).slice(0, 160));
    const end = ended === null ? "" : ` It was closed with ${ended.code} ${ended.reason}.`;
    return `${name} got ${last.join(" ") || "nothing"}${faults.length === 0 ? "" : `; ${faults[0]}`}${end}`;
  };
  const changesOfAll = (): readonly Change[] => all.flatMap(({ changes = [] }) => changes);

  function take<T extends object>(found: T | undefined): T | undefined {
    if (found !== undefined) taken.add(found);
    return found;
  }

  const connection: Omit<Connection, "welcome"> = {
    frames: () => all,
    next: (type, is = () => true) =>
      until(() => take(all.find((frame) => frame.type === type && !taken.has(frame) && is(frame))), {
        ...{ what: `a frame ${type}`, ms: answerMs, seen },
      }),
    change: (kind, is = () => true) =>
      until(() => take(changesOfAll().find((change) => change.kind === kind && !taken.has(change) && is(change))), {
        ...{ what: `a change ${kind}`, ms: answerMs, seen },
      }),
    changes: (kind) => changesOfAll().filter((change) => change.kind === kind),
    send: (frame) => socket.sendText(JSON.stringify(frame)),
    sendText: socket.sendText,
    sendBytes: socket.sendBytes,
    async message(target, text, id = randomUUID()) {
      connection.send({ type: "send", id, ...target, text });
      return await until(() => take(all.find((frame) => isAnswer(frame) && frame.id === id && !taken.has(frame))), {
        what: "the answer to a send",
        ms: answerMs,
        seen,
      });
    },
    async accepted(target, text, id) {
      const answer = await connection.message(target, text, id);
      ensure(answer.type === "accepted", `a send was not accepted: ${JSON.stringify(answer)}`);
      return answer;
    },
    async settle() {
      const id = randomUUID();
      connection.send({ type: "ping", id });
      await connection.next("pong", (frame) => frame.id === id);
    },
    cursor() {
      const last = all.findLast((frame) => frame.cursor !== undefined)?.cursor;
      ensure(last !== undefined, `${name} was given no cursor`);
      return last;
    },
    ack: () => connection.send({ type: "ack", cursor: connection.cursor() }),
    ended: () => until(() => ended, { what: "the end of the connection", ms: answerMs, seen }),
    isOpen: () => ended === null && socket.isOpen(),
    async close() {
      socket.close(1000);
      await socket.closed;
    },
    faults: () => faults,
  };
  const welcome = await connection.next("welcome");
  await until(() => all.some(({ type, more }) => type === "changes" && more === false), {
    ...{ what: "the first changes with more:false", ms: answerMs, seen },
  });
  return { ...connection, welcome };
}

const isAnswer = ({ type }: Frame): boolean => type === "accepted" || type === "rejected" || type === "error";
