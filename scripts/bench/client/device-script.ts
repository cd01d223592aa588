/** Runs in a browser: fills a device's storage, and opens clients over it. The bench calls what it puts into the page. */
import type { SocketLike } from "../../../src/client/environment.ts";
import { type Client, createClient, indexedDb } from "../../../src/client/index.ts";
import type { MessageRow } from "../../../src/client/vault/rows.ts";

const url = "http://device.example";
const tenant = "default";
/** Rows of one transaction. */
const batch = 2_000;

const silentSocket: SocketLike = {
  ...{ send() {}, close() {} },
  ...{ onopen: null, onmessage: null, onclose: null, onerror: null },
};

let client: Client | null = null;

const messageOf = (conversation: number, seq: number): MessageRow => ({
  ...{ conversation: `c${conversation}`, seq, id: `m${conversation}-${seq}`, from: `user${conversation}`, to: "me" },
  ...{ text: `Line ${seq}, with a few words more than that`, time: 1_700_000_000_000 + seq },
});

/** Puts conversations with messages on the disk, as a client does that gets them. */
async function fill(user: string, { conversations, messages }: { conversations: number; messages: number }) {
  const vault = await indexedDb().open({ url, tenant, user }, () => "device");
  const rows: MessageRow[] = [];
  for (let seq = 1; seq <= messages; seq++)
    for (let conversation = 0; conversation < conversations; conversation++) rows.push(messageOf(conversation, seq));
  for (let at = 0; at < rows.length; at += batch) {
    const part = rows.slice(at, at + batch);
    const patches = part.map((message) => ({ kind: "message", message, self: user }) as const);
    await vault.write({ messages: part, conversations: patches }, "relaxed");
  }
  vault.close();
}

/** Opens a client without a network. Resolves with the milliseconds until its list is there. */
async function open(user: string): Promise<number> {
  const start = performance.now();
  const opened = createClient({
    ...{ url, user, storage: indexedDb(), authenticate: async () => ({}) },
    environment: { connect: () => silentSocket, fetch: async () => Response.error() },
  });
  client = opened;
  opened.retain();
  await new Promise<void>((resolve) => {
    const end = opened.conversations.subscribe(() => {
      if (opened.conversations.get().conversations.length === 0) return;
      end();
      resolve();
    });
  });
  return performance.now() - start;
}

/** Shows a conversation too, as a page does. */
async function read(): Promise<void> {
  const { state } = client?.thread({ conversation: "c0" }) ?? {};
  await new Promise<void>((resolve) => {
    state?.subscribe(() => {
      if (state.get().rows.length > 0) resolve();
    });
  });
}

Object.assign(globalThis, { device: { fill, open, read } });
