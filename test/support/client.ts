/**
 * Two black-box clients that know PROTOCOL.md and not the server's code: a strict one that checks every frame it gets,
 * and a raw one on a bare TCP socket for acts that no well-behaved client does.
 */
import { createHash, randomBytes, randomUUID } from "node:crypto";
import { connect as connectTcp, type Socket } from "node:net";
import { deadline } from "./deadline.ts";

export type MessageChange = {
  kind: "message";
  conversation: string;
  seq: number;
  id: string;
  from: string;
  to: string;
  text: string;
  time: number;
};
export type ReceiptChange = { kind: "receipt"; conversation: string; user: string; delivered: number; read: number };
export type RelationChange = { kind: "relation"; user: string; contact: boolean; blocked: boolean };
export type SettingChange = { kind: "setting"; conversation: string; muted: boolean; until?: number; version: number };
export type GroupChange = { kind: "group" | "membership"; conversation: string };
export type Change = MessageChange | ReceiptChange | RelationChange | SettingChange | GroupChange;
export type Welcome = {
  type: "welcome";
  protocol: 1;
  /** Absent: the server is older than levels. */
  level?: number;
  user: string;
  /** Absent: the server is older than the field. */
  tenant?: string;
  device: string;
  cursor: string;
  time: number;
  /** Absent: the server is older than the field. */
  history?: string;
  heartbeatMs: number;
  limits: { frameBytes: number; textBytes: number; sendWindow: number };
};
export type Changes = { type: "changes"; cursor: string; more: boolean; changes: Change[] };
export type Accepted = {
  type: "accepted";
  id: string;
  conversation: string;
  seq: number;
  time: number;
  duplicate: boolean;
};
export type Rejected = {
  type: "rejected";
  id: string;
  code: string;
  message: string;
  retry: "never" | "later";
  retryAfterMs?: number;
};
export type Reset = { type: "reset"; reason: "epoch" | "level"; cursor: string };
export type Typing = { type: "typing"; conversation: string; user: string; typing: boolean };
export type Presence = { type: "presence"; user: string; state: "online" | "offline"; lastSeen?: number };
export type Pong = { type: "pong"; id?: string };
export type Authenticated = { type: "authenticated"; expiresAt?: number; id?: string };
export type ErrorFrame = { type: "error"; code: string; message: string; id?: string };
export type Frame =
  Welcome | Changes | Accepted | Rejected | Reset | Typing | Presence | Pong | Authenticated | ErrorFrame;

const changesBytesMax = 65_536;
const identifier = /^(?!\.{1,2}$)[A-Za-z0-9+\-_.@:~|]{1,128}$/;
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const codes = [
  ..."bad_frame too_large invalid_recipient not_found forbidden blocked conflict rate_limited".split(" "),
  ..."unavailable internal unauthenticated".split(" "),
];

type Field = (value: unknown) => boolean;
type Shape = Readonly<Record<string, Field | { readonly optional: Field }>>;

const isText: Field = (value) => typeof value === "string";
const isOpaque: Field = (value) => typeof value === "string" && value.length > 0;
const isIdentifier: Field = (value) => typeof value === "string" && identifier.test(value);
const isConversation: Field = (value) => typeof value === "string" && value.length >= 1 && value.length <= 64;
const isMessageId: Field = (value) => typeof value === "string" && uuid.test(value);
/** An answer has it unchanged. */
const isSentId: Field = (value) => typeof value === "string" && uuid.test(value.toLowerCase());
const isBoolean: Field = (value) => typeof value === "boolean";
const isMark: Field = (value) => Number.isSafeInteger(value) && Number(value) >= 0;
const isSeq: Field = (value) => Number.isSafeInteger(value) && Number(value) >= 1;
/** Milliseconds: a time in seconds, or in microseconds, is out of this range. */
const isTime: Field = (value) => Number.isSafeInteger(value) && Number(value) > 1e12 && Number(value) < 1e14;
const isCode: Field = (value) => codes.some((code) => code === value);
const is =
  (wanted: unknown): Field =>
  (value) =>
    value === wanted;
const isLimits: Field = (value) =>
  wrongWith(value, { frameBytes: isSeq, textBytes: isSeq, sendWindow: isSeq }) === null;
const isChange: Field = (value) => {
  if (typeof value !== "object" || value === null || !("kind" in value)) return false;
  const shape = changeShapes[String(value.kind)];
  return shape !== undefined && wrongWith(value, shape) === null && (value.kind !== "message" || isMessage(value));
};

const isObject: Field = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
const oneOf =
  (...values: readonly unknown[]): Field =>
  (value) =>
    values.includes(value);

const messageShape: Shape = {
  kind: is("message"),
  conversation: isConversation,
  seq: isSeq,
  id: isMessageId,
  from: isIdentifier,
  // Absent in a group, where an event has no text.
  to: { optional: isIdentifier },
  text: isText,
  time: isTime,
  event: { optional: isObject },
};
const isMessage = (value: object): boolean => {
  const { to, text, event } = value as { to?: unknown; text?: unknown; event?: unknown };
  return (text === "") === (event !== undefined) && (to === undefined || event === undefined);
};
const groupShape: Shape = {
  version: isSeq,
  name: isOpaque,
  data: isObject,
  visibility: oneOf("private", "open"),
  history: oneOf("all", "joined"),
};
const membershipShape: Shape = {
  kind: is("membership"),
  conversation: isConversation,
  status: oneOf("member", "left", "removed"),
  role: oneOf("member", "admin", "owner"),
  first: isSeq,
  next: isSeq,
  last: { optional: isSeq },
  read: isMark,
  group: { optional: (value) => typeof value === "object" && value !== null && wrongWith(value, groupShape) === null },
};
const receiptShape: Shape = {
  kind: is("receipt"),
  conversation: isConversation,
  user: isIdentifier,
  delivered: isMark,
  read: isMark,
};

const changeShapes: Readonly<Record<string, Shape>> = {
  message: messageShape,
  receipt: receiptShape,
  relation: { kind: is("relation"), user: isIdentifier, contact: isBoolean, blocked: isBoolean },
  setting: {
    kind: is("setting"),
    conversation: isConversation,
    muted: isBoolean,
    until: { optional: isTime },
    version: isSeq,
  },
  group: { kind: is("group"), conversation: isConversation, ...groupShape },
  membership: membershipShape,
};

/** Every frame of PROTOCOL 3 that this version of the server may send, field by field. */
const shapes: Readonly<Record<string, Shape>> = {
  welcome: {
    type: is("welcome"),
    protocol: is(1),
    level: { optional: isSeq },
    user: isIdentifier,
    tenant: { optional: isIdentifier },
    device: isIdentifier,
    cursor: isOpaque,
    time: isTime,
    history: { optional: isOpaque },
    heartbeatMs: isSeq,
    limits: isLimits,
  },
  changes: {
    type: is("changes"),
    cursor: isOpaque,
    more: isBoolean,
    changes: (value) => Array.isArray(value) && value.every(isChange),
  },
  accepted: {
    type: is("accepted"),
    id: isSentId,
    conversation: isConversation,
    seq: isSeq,
    time: isTime,
    duplicate: isBoolean,
  },
  rejected: {
    type: is("rejected"),
    id: isSentId,
    code: isCode,
    message: isOpaque,
    retry: (value) => value === "never" || value === "later",
    retryAfterMs: { optional: isMark },
  },
  reset: { type: is("reset"), reason: (value) => value === "epoch" || value === "level", cursor: isOpaque },
  presence: {
    type: is("presence"),
    user: isIdentifier,
    state: (value) => value === "online" || value === "offline",
    lastSeen: { optional: (value) => isTime(value) && Number(value) % 60_000 === 0 },
  },
  typing: { type: is("typing"), conversation: isConversation, user: isIdentifier, typing: isBoolean },
  pong: { type: is("pong"), id: { optional: isText } },
  authenticated: { type: is("authenticated"), expiresAt: { optional: isTime }, id: { optional: isText } },
  error: { type: is("error"), code: isCode, message: isOpaque, id: { optional: isSentId } },
};

/** The fault of an object that should have exactly these fields; null: none. */
function wrongWith(value: unknown, shape: Shape): string | null {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return "it is no object";
  const fields = new Map<string, unknown>(Object.entries(value));
  for (const name of fields.keys()) if (!Object.hasOwn(shape, name)) return `it has an unknown field ${name}`;
  for (const [name, field] of Object.entries(shape)) {
    const isOptional = typeof field !== "function";
    if (!fields.has(name)) {
      if (!isOptional) return `it lacks ${name}`;
    } else if (!(isOptional ? field.optional : field)(fields.get(name))) {
      return `its ${name} is ${JSON.stringify(fields.get(name))?.slice(0, 80)}`;
    }
  }
  return null;
}

/** The frame that an answer is for: the client expects answers in the order of its frames. */
type Expectation =
  | { readonly to: "send"; readonly id: string }
  | { readonly to: "ping"; readonly id: string | undefined }
  | { readonly to: "error" | "authenticated" };

/**
 * Checks the frames of one connection as they come: fields, order, and contradictions to earlier frames. `see`
 * returns the frame, and `faults` collects the faults.
 */
export function createFrameCheck() {
  const faults: string[] = [];
  const cursors = new Set<string>();
  const expected: Expectation[] = [];
  /** Ids that this connection sent first, still unanswered: their `accepted` must come before their change. */
  const fresh = new Set<string>();
  const lastSeq = new Map<string, number>();
  const idAt = new Map<string, string>();
  /** Answered here, so the change may be left out. */
  const acceptedHere = new Set<string>();
  const marks = new Map<string, { delivered: number; read: number }>();
  let welcome: Welcome | null = null;
  let frames = 0;
  const fault = (text: string): void => void faults.push(text);

  function place(conversation: string, seq: number, id: string): void {
    const known = idAt.get(`${conversation} ${seq}`);
    if (known !== undefined && known !== id) fault(`${conversation} ${seq} is ${known} and then ${id}`);
    idAt.set(`${conversation} ${seq}`, id);
  }

  function seeMessage(change: MessageChange): void {
    const { conversation, seq, id, from, to } = change;
    place(conversation, seq, id);
    const user = welcome?.user;
    if (to !== undefined && from !== user && to !== user) fault(`a message from ${from} to ${to} reached ${user}`);
    if (fresh.has(id) && from === user) fault(`the change of ${id} overtook its accepted`);
    const last = lastSeq.get(conversation);
    lastSeq.set(conversation, Math.max(seq, last ?? 0));
    if (last === undefined) return;
    if (seq <= last) return fault(`${conversation} went from ${last} to ${seq}`);
    for (let missing = last + 1; missing < seq; missing++)
      if (!acceptedHere.has(`${conversation} ${missing}`)) fault(`${conversation} left out ${missing} before ${seq}`);
  }

  function seeReceipt({ conversation, user, delivered, read }: ReceiptChange): void {
    const known = marks.get(`${conversation} ${user}`);
    if (read > delivered) fault(`the receipt of ${user} has read ${read} past delivered ${delivered}`);
    if (known !== undefined && (delivered < known.delivered || read < known.read))
      fault(`the receipt of ${user} went back from ${JSON.stringify(known)} to ${delivered}, ${read}`);
    marks.set(`${conversation} ${user}`, { delivered, read });
  }

  function answers(frame: Accepted | Rejected | Pong | Authenticated | ErrorFrame): void {
    const wanted = expected.shift();
    const isIt =
      wanted !== undefined &&
      (frame.type === "pong"
        ? wanted.to === "ping" && wanted.id === frame.id
        : frame.type === "error" || frame.type === "authenticated"
          ? wanted.to === frame.type
          : wanted.to === "send" && wanted.id === frame.id);
    if (!isIt) fault(`${JSON.stringify(frame)} came where the answer to ${JSON.stringify(wanted)} was due`);
  }

  function seeKnown(frame: Frame, bytes: number): void {
    if ((frame.type === "welcome") !== (frames === 1)) fault(`frame ${frames} is ${frame.type}`);
    if (frame.type === "reset" && frames !== 2) fault(`reset came as frame ${frames}`);
    switch (frame.type) {
      case "welcome":
        welcome = frame;
        cursors.add(frame.cursor);
        break;
      case "reset":
        cursors.add(frame.cursor);
        break;
      case "changes":
        cursors.add(frame.cursor);
        if (bytes > changesBytesMax && frame.changes.length !== 1)
          fault(`a changes frame of ${frame.changes.length} changes has ${bytes} bytes`);
        for (const change of frame.changes) {
          if (change.kind === "message") seeMessage(change);
          else if (change.kind === "receipt") seeReceipt(change);
        }
        break;
      case "accepted":
        answers(frame);
        fresh.delete(frame.id);
        place(frame.conversation, frame.seq, frame.id.toLowerCase());
        acceptedHere.add(`${frame.conversation} ${frame.seq}`);
        break;
      case "rejected":
        answers(frame);
        fresh.delete(frame.id);
        if ((frame.retry === "later") !== (frame.retryAfterMs !== undefined))
          fault(`retry is ${frame.retry}, retryAfterMs ${frame.retryAfterMs}`);
        break;
      case "pong":
      case "authenticated":
      case "error":
        answers(frame);
        break;
      case "presence":
        if (frame.state === "online" && frame.lastSeen !== undefined) fault("an online user has a lastSeen");
        break;
      case "typing":
        if (frame.user === welcome?.user) fault("the user's own typing was echoed");
        break;
    }
  }

  return {
    faults,
    cursors,
    expect: (expectation: Expectation): void => void expected.push(expectation),
    expectFirst: (id: string): void => void fresh.add(id),
    unanswered: (): readonly Expectation[] => expected,
    see(data: unknown): Frame | null {
      frames++;
      if (typeof data !== "string") {
        fault("a frame is binary");
        return null;
      }
      let value: unknown;
      try {
        value = JSON.parse(data);
      } catch {
        fault(`a frame is not JSON: ${data.slice(0, 80)}`);
        return null;
      }
      const type = typeof value === "object" && value !== null && "type" in value ? value.type : undefined;
      const shape = typeof type === "string" && Object.hasOwn(shapes, type) ? shapes[type] : undefined;
      const wrong = shape === undefined ? "its type is unknown" : wrongWith(value, shape);
      if (wrong !== null) {
        fault(`a frame is malformed (${wrong}): ${data.slice(0, 200)}`);
        return null;
      }
      const frame = value as Frame;
      seeKnown(frame, Buffer.byteLength(data));
      return frame;
    },
  };
}

export type ConnectOptions = {
  readonly user: string;
  readonly device?: string;
  readonly cursor?: string;
  /** The highest level of change that it understands. */
  readonly level?: number;
  readonly tenant?: string;
  readonly protocols?: readonly string[];
  readonly headers?: Readonly<Record<string, string>>;
  /** Whether the query names the user, as the demo needs it. Default true. */
  readonly isDemo?: boolean;
  /** Gives up without a `welcome` by then; default: waits for the upgrade as long as it takes, and then for 5 s. */
  readonly withinMs?: number;
};

export type Closed = { readonly code: number; readonly reason: string };
export type Client = Awaited<ReturnType<typeof connect>>;

/** Clients that are open or not yet checked. */
const clients = new Set<{ check(): void; terminate(): void }>();

/** Ends all clients of a test and throws if any of them saw a frame that breaks the contract. For `afterEach`. */
export function endClients(): void {
  const all = [...clients];
  clients.clear();
  for (const client of all) client.terminate();
  for (const client of all) client.check();
}

export const wsPath = ({ user, device, cursor, level, tenant, isDemo = true }: ConnectOptions): string => {
  const query = [
    ...(isDemo ? [`user=${encodeURIComponent(user)}`] : []),
    ...(tenant === undefined ? [] : [`tenant=${tenant}`]),
    ...(device === undefined ? [] : [`device=${encodeURIComponent(device)}`]),
    ...(level === undefined ? [] : [`level=${level}`]),
    ...(cursor === undefined ? [] : [`cursor=${cursor}`]),
  ];
  return `/ws?${query.join("&")}`;
};

/**
 * Opens a strict client and waits for its `welcome`. Rejects when the upgrade is refused.
 *
 * @example
 * const bob = await connect(server.url, { user: "bob", device: "d1" });
 * await bob.next(isMessage("hi"));
 */
export async function connect(url: string, options: ConnectOptions) {
  const socket = new WebSocket(`${url}${wsPath(options)}`, {
    headers: { ...options.headers },
    ...(options.protocols === undefined ? {} : { protocols: [...options.protocols] }),
  });
  const check = createFrameCheck();
  const all: Frame[] = [];
  let pending: Frame[] = [];
  const waiters = new Set<() => void>();
  const closed = Promise.withResolvers<Closed>();
  const opened = Promise.withResolvers<void>();
  let closing: Closed | null = null;
  let tap: ((frame: Frame) => void) | null = null;
  let isKept = true;

  socket.addEventListener("message", ({ data }) => {
    const frame = check.see(data);
    if (frame === null) return;
    tap?.(frame);
    if (isKept) {
      all.push(frame);
      pending.push(frame);
    }
    for (const wake of [...waiters]) wake();
  });
  socket.addEventListener("open", () => opened.resolve());
  socket.addEventListener("error", () => opened.reject(new Error(`${options.user} could not connect`)));
  socket.addEventListener("close", ({ code, reason }) => {
    closing = { code, reason };
    opened.reject(new Error(`${options.user} was closed with ${code} ${reason}`));
    closed.resolve(closing);
    for (const wake of [...waiters]) wake();
  });

  /** Waits for the first frame not yet taken for which `take` returns something, and takes it. */
  async function until<T>(take: () => T | undefined, what: () => string, ms: number): Promise<T> {
    const found = take();
    if (found !== undefined) return found;
    return await new Promise<T>((resolve, reject) => {
      const end = (): void => {
        clearTimeout(timer);
        waiters.delete(wake);
      };
      const fail = (why: string): void => {
        end();
        const seen = all.slice(-6).map((frame) => JSON.stringify(frame).slice(0, 160));
        reject(new Error(`${options.user} waited for ${what()}: ${why}; last frames\n  ${seen.join("\n  ")}`));
      };
      const wake = (): void => {
        const value = take();
        if (value === undefined) {
          if (closing !== null) fail(`closed with ${closing.code} ${closing.reason}`);
          return;
        }
        end();
        resolve(value);
      };
      const timer = setTimeout(() => fail(`nothing within ${ms} ms`), ms);
      waiters.add(wake);
      // Nothing more comes on a connection that has closed before: nothing would wake this.
      if (closing !== null) wake();
    });
  }

  const client = {
    user: options.user,
    faults: check.faults,
    /** Every frame in the order of arrival. */
    frames: all,
    closed: closed.promise,
    isOpen: (): boolean => closing === null && socket.readyState === WebSocket.OPEN,
    subprotocol: (): string => socket.protocol,
    unanswered: check.unanswered,

    /** Waits for the first frame, not yet taken, that fulfils `is`, and takes it. */
    next<T extends Frame>(wanted: (frame: Frame) => frame is T, ms: number = deadline.answerMs): Promise<T> {
      const take = (): T | undefined => {
        const found = pending.find(wanted);
        if (found !== undefined) pending = pending.filter((frame) => frame !== found);
        return found;
      };
      return until(take, () => "a frame", ms);
    },

    /** Waits until something holds, looking again at each frame. */
    async when(holds: () => boolean, ms: number = deadline.answerMs, what = "a condition"): Promise<void> {
      await until(
        () => (holds() ? true : undefined),
        () => what,
        ms,
      );
    },

    /** Sees each frame when it comes, before any other wait. */
    tap(listener: (frame: Frame) => void): void {
      tap = listener;
    },

    /** Keeps no frames from here on: for long runs, with `tap`. */
    forget(): void {
      isKept = false;
      pending = [];
      all.length = 0;
    },

    /** Forgets the frames so far; `next` looks at later frames only. */
    skip(): void {
      pending = [];
    },

    /** The changes in the order of arrival. */
    changes: (): Change[] => all.flatMap((frame) => (frame.type === "changes" ? frame.changes : [])),
    messages: (): MessageChange[] =>
      all.flatMap((frame) => (frame.type === "changes" ? frame.changes.filter((one) => one.kind === "message") : [])),
    receipts: (): ReceiptChange[] =>
      all.flatMap((frame) => (frame.type === "changes" ? frame.changes.filter((one) => one.kind === "receipt") : [])),
    /** The newest cursor. */
    cursor(): string {
      const last = all.findLast((frame) => "cursor" in frame);
      if (last === undefined || !("cursor" in last)) throw new Error("No frame had a cursor");
      return last.cursor;
    },

    /** Sends a message and does not wait; returns its id. */
    post(target: { to: string } | { conversation: string }, text: string, id?: string): string {
      const key = id ?? randomUUID();
      if (id === undefined) check.expectFirst(key);
      check.expect({ to: "send", id: key });
      socket.send(JSON.stringify({ type: "send", id: key, ...target, text }));
      return key;
    },
    /** Sends a message and waits for its answer. */
    async send(
      target: { to: string } | { conversation: string },
      text: string,
      id?: string,
    ): Promise<Accepted | Rejected> {
      const key = client.post(target, text, id);
      return await client.next(
        (frame): frame is Accepted | Rejected =>
          (frame.type === "accepted" || frame.type === "rejected") && frame.id === key,
      );
    },
    /** As `send`, for one that must be accepted. */
    async sendOk(target: { to: string } | { conversation: string }, text: string, id?: string): Promise<Accepted> {
      const answer = await client.send(target, text, id);
      if (answer.type !== "accepted") throw new Error(`Rejected: ${JSON.stringify(answer)}`);
      return answer;
    },
    /** As `send`, for one that must be rejected; returns the frame. */
    async sendBad(target: { to: string } | { conversation: string }, text: string, id?: string): Promise<Rejected> {
      const answer = await client.send(target, text, id);
      if (answer.type !== "rejected") throw new Error(`Accepted: ${JSON.stringify(answer)}`);
      return answer;
    },
    /** Acks a cursor from a frame of this connection. */
    ack(cursor: string = client.cursor()): void {
      if (!check.cursors.has(cursor)) throw new Error("The client acks a cursor that no frame gave");
      socket.send(JSON.stringify({ type: "ack", cursor }));
    },
    /** Acks any cursor. */
    ackForeign(cursor: string): void {
      socket.send(JSON.stringify({ type: "ack", cursor }));
    },
    read(conversation: string, seq: number): void {
      socket.send(JSON.stringify({ type: "read", conversation, seq }));
    },
    watch: (users: readonly string[]): void => socket.send(JSON.stringify({ type: "watch", users })),
    typing(target: { to: string } | { conversation: string }, isTyping = true): void {
      socket.send(JSON.stringify({ type: "typing", ...target, typing: isTyping }));
    },
    ping(id: string): void {
      check.expect({ to: "ping", id });
      socket.send(JSON.stringify({ type: "ping", id }));
    },
    /** Pings and waits: everything sent before has been handled then. */
    async settle(): Promise<void> {
      const id = randomUUID();
      client.ping(id);
      await client.next((frame): frame is Pong => frame.type === "pong" && frame.id === id);
    },
    /** Sends any text. `answer` is the expected answer: an `error`, an answer to this id, or nothing. */
    raw(
      data: string | Uint8Array<ArrayBuffer>,
      answer: "error" | "authenticated" | "nothing" | { readonly id: string },
    ): void {
      if (answer === "error" || answer === "authenticated") check.expect({ to: answer });
      else if (answer !== "nothing") check.expect({ to: "send", id: answer.id });
      socket.send(data);
    },
    /** The next frame sent will be answered by an `error`. */
    expectError: (): void => check.expect({ to: "error" }),
    /** Closes as a client does that leaves. */
    async close(): Promise<Closed> {
      socket.close(1000);
      return await closed.promise;
    },
    terminate: (): void => socket.terminate(),
    check(): void {
      clients.delete(client);
      if (check.faults.length > 0)
        throw new Error(
          `${options.user} saw frames that the protocol does not allow:\n  ${check.faults.slice(0, 20).join("\n  ")}`,
        );
    },
  };

  const { withinMs } = options;
  const giveUp = (): void => {
    opened.reject(new Error(`${options.user} was not let in within ${withinMs} ms`));
    socket.terminate();
  };
  const timer = withinMs === undefined ? undefined : setTimeout(giveUp, withinMs);
  try {
    await opened.promise;
    clients.add(client);
    const welcome = await client.next(isWelcome);
    return Object.assign(client, { welcome });
  } finally {
    clearTimeout(timer);
  }
}

/** As `connect`, and waits for the first `changes` without more behind it. */
export async function join(url: string, options: ConnectOptions): Promise<Client> {
  const client = await connect(url, options);
  await client.when(
    () => client.frames.some((frame) => frame.type === "changes" && !frame.more),
    deadline.answerMs,
    "the first changes",
  );
  return client;
}

export const isWelcome = (frame: Frame): frame is Welcome => frame.type === "welcome";
export const isChanges = (frame: Frame): frame is Changes => frame.type === "changes";
export const isError = (frame: Frame): frame is ErrorFrame => frame.type === "error";
export const isReset = (frame: Frame): frame is Reset => frame.type === "reset";
export const isPresence = (frame: Frame): frame is Presence => frame.type === "presence";
export const isTyping = (frame: Frame): frame is Typing => frame.type === "typing";
export const isPong = (frame: Frame): frame is Pong => frame.type === "pong";
/** A `changes` frame with a message of this text. */
export const hasText =
  (text: string) =>
  (frame: Frame): frame is Changes =>
    frame.type === "changes" && frame.changes.some((change) => change.kind === "message" && change.text === text);
/** A `changes` frame with a receipt of this user that has got this far. */
export const hasReceipt =
  (user: string, marks: { delivered?: number; read?: number }) =>
  (frame: Frame): frame is Changes =>
    frame.type === "changes" &&
    frame.changes.some(
      (change) =>
        change.kind === "receipt" &&
        change.user === user &&
        change.delivered >= (marks.delivered ?? 0) &&
        change.read >= (marks.read ?? 0),
    );

export type Answer = { readonly status: number; readonly headers: ReadonlyMap<string, string>; readonly body: string };

const webSocketGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
export const opcode = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

export type RawFrame = { readonly opcode: number; readonly payload: Buffer };
/** A body from its chunks (RFC 9112 section 7.1); null where it is incomplete. */
function unchunked(bytes: Buffer): string | null {
  const parts: Buffer[] = [];
  for (let at = 0; ;) {
    const end = bytes.indexOf("\r\n", at);
    if (end < 0) return null;
    const length = parseInt(bytes.subarray(at, end).toString("latin1"), 16);
    if (bytes.length < end + 2 + length + 2) return null;
    if (length === 0) return Buffer.concat(parts).toString();
    parts.push(bytes.subarray(end + 2, end + 2 + length));
    at = end + 2 + length + 2;
  }
}

export type RawClient = Awaited<ReturnType<typeof connectRaw>>;

/**
 * A bare TCP socket with a handshake done by hand. It answers nothing by itself, not even a ping, and stops reading
 * on request. `answer.status` shows whether the upgrade happened.
 */
export async function connectRaw(
  port: number,
  path: string,
  options: { readonly headers?: Readonly<Record<string, string | null>>; readonly doesPong?: boolean } = {},
) {
  const socket: Socket = connectTcp({ port, host: "127.0.0.1", noDelay: true });
  const key = randomBytes(16).toString("base64");
  const headers: Record<string, string | null> = {
    Host: `127.0.0.1:${port}`,
    Upgrade: "websocket",
    Connection: "Upgrade",
    "Sec-WebSocket-Key": key,
    "Sec-WebSocket-Version": "13",
    ...options.headers,
  };
  const lines = Object.entries(headers).flatMap(([name, value]) => (value === null ? [] : [`${name}: ${value}`]));
  const answered = Promise.withResolvers<Answer>();
  const gone = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<void>();
  let buffer: Buffer = Buffer.alloc(0);
  let head: Answer | null = null;
  let bytes = 0;
  let received: Closed | null = null;
  let isGone = false;
  let onFrame: (frame: RawFrame) => void = () => {};
  const frames: RawFrame[] = [];

  const write = (code: number, payload: Uint8Array, { isFinal = true } = {}): boolean => {
    const mask = randomBytes(4);
    const length = payload.length;
    const start =
      length < 126
        ? Buffer.from([0x80 | length])
        : length < 65_536
          ? Buffer.from([0x80 | 126, length >> 8, length & 255])
          : Buffer.concat([Buffer.from([0x80 | 127]), lengthOf(length)]);
    const masked = Buffer.from(payload);
    for (let i = 0; i < length; i++) masked[i] = (masked[i] ?? 0) ^ (mask[i % 4] ?? 0);
    return socket.write(Buffer.concat([Buffer.from([(isFinal ? 0x80 : 0) | code]), start, mask, masked]));
  };

  function takeHead(): boolean {
    const end = buffer.indexOf("\r\n\r\n");
    if (end < 0) return false;
    const [status = "", ...fields] = buffer.subarray(0, end).toString("latin1").split("\r\n");
    const pairs = fields.map((field) => {
      const colon = field.indexOf(":");
      return [field.slice(0, colon).toLowerCase(), field.slice(colon + 1).trim()] as const;
    });
    head = { status: Number(status.split(" ")[1]), headers: new Map(pairs), body: "" };
    buffer = buffer.subarray(end + 4);
    return true;
  }

  function takeFrames(): void {
    for (;;) {
      if (buffer.length < 2) return;
      const short = (buffer[1] ?? 0) & 127;
      const start = short === 126 ? 4 : short === 127 ? 10 : 2;
      if (buffer.length < start) return;
      const length = short === 126 ? buffer.readUInt16BE(2) : short === 127 ? Number(buffer.readBigUInt64BE(2)) : short;
      if (buffer.length < start + length) return;
      const frame = { opcode: (buffer[0] ?? 0) & 15, payload: buffer.subarray(start, start + length) };
      buffer = buffer.subarray(start + length);
      if (frame.opcode === opcode.close) {
        if (frame.payload.length >= 2)
          received = { code: frame.payload.readUInt16BE(0), reason: frame.payload.subarray(2).toString() };
        ended.resolve();
      }
      if (frame.opcode === opcode.ping && options.doesPong === true) write(opcode.pong, frame.payload);
      frames.push(frame);
      onFrame(frame);
    }
  }

  socket.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    buffer = buffer.length === 0 ? chunk : Buffer.concat([buffer, chunk]);
    if (head === null && !takeHead()) return;
    if (head === null) return;
    if (head.status === 101) {
      answered.resolve(head);
      takeFrames();
    } else if (head.headers.get("transfer-encoding") === "chunked") {
      const body = unchunked(buffer);
      if (body !== null) answered.resolve({ ...head, body });
    } else if (buffer.length >= Number(head.headers.get("content-length") ?? Number.NaN)) {
      answered.resolve({ ...head, body: buffer.toString() });
    }
  });
  socket.on("error", () => {});
  socket.on("close", () => {
    isGone = true;
    if (head === null) answered.reject(new Error("The socket closed without an answer"));
    else answered.resolve({ ...head, body: buffer.toString() });
    gone.resolve();
    ended.resolve();
  });
  socket.write(`GET ${path} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n`);
  const answer = await answered.promise;
  if (answer.status === 101) {
    const wanted = createHash("sha1")
      .update(key + webSocketGuid)
      .digest("base64");
    if (answer.headers.get("sec-websocket-accept") !== wanted) throw new Error("Sec-WebSocket-Accept is wrong");
  }

  return {
    answer,
    frames,
    /** Resolves once the TCP socket is closed. */
    gone: gone.promise,
    /** Resolves once a close frame came, or the TCP socket is closed: a server may wait for the peer's own close frame. */
    ended: ended.promise,
    isGone: (): boolean => isGone,
    /** The received close frame, if any. */
    closed: (): Closed | null => received,
    bytesReceived: (): number => bytes,
    onFrame(listener: (frame: RawFrame) => void): void {
      onFrame = listener;
    },
    texts: (): string[] =>
      frames.filter((frame) => frame.opcode === opcode.text).map(({ payload }) => payload.toString()),
    text: (value: string): boolean => write(opcode.text, Buffer.from(value)),
    frame: write,
    bytes: (data: Uint8Array): boolean => socket.write(data),
    /** Stops reading, so that the buffers of both kernels fill. */
    pause: (): void => void socket.pause(),
    resume: (): void => void socket.resume(),
    end: (): void => void socket.destroy(),
  };
}

function lengthOf(length: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(length));
  return bytes;
}
