import { systemRandom } from "../internal/random.ts";
import type { MessageChange, ReceiptChange } from "../protocol/frame.ts";

export type Mark = { readonly delivered: number; readonly read: number };

export type Conversation = {
  readonly id: string;
  /** Unknown while only receipts of the conversation have arrived. */
  with: string | null;
  /** By seq, the newest `messagesKeptMax` of them. */
  readonly messages: MessageChange[];
  readonly marks: Map<string, Mark>;
};

/** A message of the user that the server has not accepted yet. */
export type Pending = {
  readonly id: string;
  readonly to: string;
  readonly text: string;
  readonly time: number;
  state: "waiting" | "sent" | "failed";
  reason?: string;
};

export type State = ReturnType<typeof createState>;

type Stored = {
  device: string;
  cursor: string;
  conversations: { id: string; with: string | null; messages: MessageChange[]; marks: [string, Mark][] }[];
};

const messagesKeptMax = 500;

/**
 * The data that this browser keeps for one user. Messages, receipts and the cursor are stored in one write, so everything that
 * the cursor covers is still there after a reload. The outbox has one key per message, so that two tabs never overwrite each other's.
 */
export function createState(options: { tenant: string; user: string; device: string | undefined }) {
  const { user } = options;
  // No id contains a space.
  const who = `${options.tenant} ${user}`;
  const cacheKey = `tidings cache ${who}${options.device === undefined ? "" : ` ${options.device}`}`;
  const outboxPrefix = `tidings outbox ${who} `;
  const conversations = new Map<string, Conversation>();
  const outbox: Pending[] = [];
  const settled = new Set<string>();

  const stored = readJson<Stored>(cacheKey);
  // A device is not used again without its cursor: the server would continue after changes that this browser no longer has.
  const device = options.device ?? stored?.device ?? `web-${systemRandom.messageId(Date.now()).slice(-12)}`;
  let cursor: string | null = stored?.cursor ?? null;
  let storedCursor = cursor;
  for (const { id, with: peer, messages, marks } of stored?.conversations ?? [])
    conversations.set(id, { id, with: peer, messages, marks: new Map(marks) });
  for (const key of storedKeys(outboxPrefix)) {
    const pending = readJson<Pending>(key);
    if (pending) outbox.push({ ...pending, state: pending.state === "failed" ? "failed" : "waiting" });
  }
  let lastMade = Math.max(0, ...outbox.map(({ time }) => time));

  function conversationOf(id: string): Conversation {
    const known = conversations.get(id);
    if (known) return known;
    const fresh: Conversation = { id, with: null, messages: [], marks: new Map() };
    conversations.set(id, fresh);
    return fresh;
  }

  function putMessage(message: MessageChange): void {
    const conversation = conversationOf(message.conversation);
    const { messages } = conversation;
    conversation.with = message.from === user ? message.to : message.from;
    const before = messages.findLastIndex(({ seq }) => seq < message.seq);
    messages.splice(before + 1, messages[before + 1]?.seq === message.seq ? 1 : 0, message);
    if (messages.at(-1) === message) {
      // The log's order is the order of activity; times are only for display.
      conversations.delete(conversation.id);
      conversations.set(conversation.id, conversation);
    }
    if (messages.length > messagesKeptMax) messages.splice(0, messages.length - messagesKeptMax);
    if (message.from === user) settle(message.id);
  }

  function putReceipt(receipt: ReceiptChange): void {
    const conversation = conversationOf(receipt.conversation);
    const old = conversation.marks.get(receipt.user);
    conversation.marks.set(receipt.user, {
      delivered: Math.max(old?.delivered ?? 0, receipt.delivered),
      read: Math.max(old?.read ?? 0, receipt.read),
    });
    if (receipt.user !== user) conversation.with = receipt.user;
  }

  /** Takes a message out of the outbox; its copy on disk is deleted once the cache is written with it. */
  function settle(id: string): void {
    const at = outbox.findIndex((pending) => pending.id === id);
    if (at < 0) return;
    outbox.splice(at, 1);
    settled.add(id);
  }

  function writePending(pending: Pending): void {
    write(outboxPrefix + pending.id, pending);
  }

  return {
    user,
    device,
    outbox: outbox as readonly Pending[],
    conversations: conversations as ReadonlyMap<string, Conversation>,
    conversationWith: (peer: string): Conversation | undefined =>
      [...conversations.values()].find((conversation) => conversation.with === peer),
    /** The cursor to connect with. Connecting acks it, so it is always one that is on disk. */
    storedCursor: (): string | null => storedCursor,
    putReceipt,
    putMessage,

    /** The first cursor of a new device. */
    begin(start: string): void {
      cursor ??= start;
    },

    advance(next: string): void {
      cursor = next;
    },

    /** Another epoch: the cache is no longer valid; the outbox still is. */
    reset(start: string): void {
      conversations.clear();
      cursor = start;
    },

    /** Makes a message, which is on disk before it is first sent. Ids grow, so their order is the order of writing. */
    compose(to: string, text: string): void {
      lastMade = Math.max(Date.now(), lastMade + 1);
      const pending: Pending = { id: systemRandom.messageId(lastMade), to, text, time: lastMade, state: "waiting" };
      outbox.push(pending);
      writePending(pending);
    },

    accept({ id, conversation, seq, time }: { id: string; conversation: string; seq: number; time: number }): void {
      const pending = outbox.find((one) => one.id === id);
      if (!pending) return;
      putMessage({ kind: "message", conversation, seq, id, from: user, to: pending.to, text: pending.text, time });
    },

    fail(pending: Pending, reason: string): void {
      pending.state = "failed";
      pending.reason = reason;
      writePending(pending);
    },

    discard(id: string): void {
      settle(id);
      remove(outboxPrefix + id);
    },

    /** Writes everything; returns the cursor that is now on disk, or null if this browser stores nothing. */
    save(): string | null {
      if (cursor === null) return null;
      // If the browser's quota is too small, older messages are dropped.
      for (let kept = messagesKeptMax; kept >= 1; kept = Math.floor(kept / 2)) {
        const all = [...conversations.values()].map(({ id, with: peer, messages, marks }) => {
          return { id, with: peer, messages: messages.slice(-kept), marks: [...marks] };
        });
        if (!write(cacheKey, { device, cursor, conversations: all } satisfies Stored)) continue;
        storedCursor = cursor;
        for (const id of settled) remove(outboxPrefix + id);
        settled.clear();
        return cursor;
      }
      return null;
    },
  };
}

/** Reads JSON that this page wrote; null if there is none, or storage is refused. */
export function readJson<Value>(key: string): Value | null {
  try {
    return JSON.parse(localStorage.getItem(key) ?? "null") as Value | null;
  } catch {
    return null;
  }
}

function write(key: string, value: object): boolean {
  try {
    localStorage.setItem(key, JSON.stringify(value));
    return true;
  } catch {
    return false;
  }
}

function remove(key: string): void {
  try {
    localStorage.removeItem(key);
  } catch {
    // Storage is refused, so there is nothing to remove.
  }
}

function storedKeys(prefix: string): string[] {
  try {
    return Object.keys(localStorage)
      .filter((key) => key.startsWith(prefix))
      .toSorted();
  } catch {
    return [];
  }
}
