import type {
  Client,
  Conversation,
  ConversationList,
  Presence,
  Status,
  StorageState,
  Thread,
  ThreadRow,
  ThreadState,
} from "../../src/client/api.ts";
import { createSource, type Source } from "../../src/client/readable.ts";
import type { RelationRow, Target } from "../../src/client/vault/rows.ts";

const onFault = (fault: unknown): void => {
  throw fault;
};
const source = <Value>(value: Value): Source<Value> => createSource(value, { onFault });

export type FakeThread = Thread & { readonly state: Source<ThreadState>; readonly typists: Source<readonly string[]> };

/** A client that holds what a test puts into it, and has no connection. */
export function createFakeClient(user: string) {
  const status = source<Status>({ state: "online", transport: "socket" });
  const storage = source<StorageState>({ kind: "durable" });
  const unread = source({ messages: 0, conversations: 0, isExact: true });
  const outbox = source({ queued: 0, failed: 0 });
  const list = source<ConversationList>({ conversations: [], more: "end" });
  const relations = source<readonly RelationRow[]>([]);
  const presences = new Map<string, Source<Presence>>();
  const threads = new Map<string, FakeThread>();
  const counts = { retained: 0, retains: 0 };
  const marked: number[] = [];
  let sent = 0;

  function threadOf(target: Target): FakeThread {
    const key = JSON.stringify(target);
    const known = threads.get(key);
    if (known !== undefined) return known;
    const state = source<ThreadState>({
      ...{ conversation: "c1", with: "with" in target ? target.with : "bob", rows: [], before: "end", after: "end" },
      ...{ unread: 0, divider: null, peer: { delivered: 0, read: 0 }, own: { delivered: 0, read: 0 }, isMuted: false },
    });
    const text = source("");
    const thread: FakeThread = {
      state,
      draft: text,
      typists: source<readonly string[]>([]),
      loadBefore: () => {},
      loadAfter: () => {},
      jump: () => {},
      send(content) {
        const id = `m${++sent}`;
        append(thread, { id, from: user, text: content, state: "queued", seq: null, canChange: true });
        text.set("");
        return { id, kept: Promise.resolve(), accepted: new Promise(() => {}) };
      },
      retry: () => {},
      cancel: async () => "cancelled",
      edit: async () => "edited",
      typing: () => {},
      markRead: (seq) => void marked.push(seq),
    };
    threads.set(key, thread);
    return thread;
  }

  function append(thread: FakeThread, row: Partial<ThreadRow> & { readonly id: string }): void {
    const state = thread.state.get();
    const whole: ThreadRow = {
      ...{ key: row.id, from: "bob", text: row.id, time: 0, seq: state.rows.length + 1, state: "received" as const },
      ...{ canChange: false, ...row },
    };
    thread.state.set({ ...state, rows: [...state.rows, whole] });
  }

  function presenceOf(name: string): Source<Presence> {
    const known = presences.get(name) ?? source<Presence>({ state: "unknown" });
    presences.set(name, known);
    return known;
  }

  const client: Client = {
    ...{
      status,
      storage,
      user,
      scope: { url: "https://app.example", tenant: "default", user },
      unread,
      outbox,
      relations,
      textBytesMax: source(16_384),
    },
    conversations: { ...list, loadMore: () => {} },
    thread: threadOf,
    conversation: (id): { get(): Conversation | null; subscribe: typeof list.subscribe } => ({
      get: () => list.get().conversations.find((one) => one.id === id) ?? null,
      subscribe: list.subscribe,
    }),
    presence: presenceOf,
    setContact: (name, contact) => relations.set([...relations.get(), { user: name, contact, blocked: false }]),
    setBlocked: (name, blocked) => relations.set([...relations.get(), { user: name, contact: false, blocked }]),
    mute: () => {},
    unmute: () => {},
    registerPush: async () => {},
    on: () => () => {},
    work: async () => {},
    retain() {
      counts.retained++;
      counts.retains++;
      return () => void counts.retained--;
    },
    retry: () => {},
    reauthenticate: () => {},
    signOut: async () => ({ unsent: 0 }),
    close: async () => {},
  };
  return { client, status, unread, outbox, list, relations, thread: threadOf, append, presenceOf, counts, marked };
}
