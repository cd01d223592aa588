import type { Client, Sending, Target, Thread, ThreadState } from "../client/index.ts";
import { createSource, type Readable } from "../client/readable.ts";
import { targetKey } from "../client/sync/target.ts";
import type { Write } from "../client/vault/contract.ts";
import { lastNotes, nameOf, noteLast } from "../client/vault/idb-notes.ts";
import { deferred } from "../internal/deferred.ts";
import { onServer } from "../react/server-snapshots.ts";
import type { Identity } from "./last-identity.ts";

/** Shows one thread while the client is being loaded, and keeps for it what the user does meanwhile. */
export type FirstClient = {
  readonly client: Client;
  /** The page is being left: what was typed is noted for the next time. */
  leave(): void;
  /** The client is here: it gets what the user has typed, sent and chosen. */
  handOver(client: Client): void;
};

export type FirstClientOptions = {
  readonly identity: Identity;
  readonly target: Target;
  readonly state: ThreadState;
};

const onFault = (fault: unknown): void => console.error(fault);
const still = <Value>(value: Value): Readable<Value> => ({ get: () => value, subscribe: () => () => {} });
const nothing = (): void => {};
const never = (): Promise<never> => new Promise(nothing);

export function createFirstClient({ identity: { user, tenant }, target, state }: FirstClientOptions): FirstClient {
  const acts: ((client: Client) => void)[] = [];
  const composers = new Map<string, Composer>();
  const act = (what: (client: Client) => void): void => void acts.push(what);

  function threadOf(of: Target): Thread {
    const key = targetKey(of);
    const composer = composers.get(key) ?? createComposer(of, noted(key));
    composers.set(key, composer);
    return {
      state: still(key === targetKey(target) ? state : onServer.thread),
      ...{ draft: composer.draft, send: composer.send, typists: still(onServer.typists) },
      ...{ loadBefore: nothing, loadAfter: nothing, jump: nothing, typing: nothing, markRead: nothing },
      // No row waits here.
      ...{ retry: nothing, cancel: never, edit: never },
    };
  }

  const scope = { url: location.origin, tenant: tenant ?? "default", user };
  /** As the client notes a draft: it reads the notes when its storage is opened. */
  const note = (key: string, text: string): unknown =>
    noteLast(scope, { key, write: text === "" ? null : { drafts: [[key, text, [""]]] } });

  const noted = (key: string): string => {
    try {
      const writes = lastNotes(nameOf(scope)).map((text) => JSON.parse(text) as Write);
      return writes.flatMap(({ drafts = [] }) => drafts).find(([name]) => name === key)?.[1] ?? "";
    } catch {
      // A note that is none of ours.
      return "";
    }
  };

  const client: Client = {
    ...{ user, scope },
    ...{ status: still(onServer.status), storage: still(onServer.storage), unread: still(onServer.unread) },
    ...{ outbox: still(onServer.outbox), relations: still(onServer.relations) },
    conversations: { ...still(onServer.conversations), loadMore: nothing },
    // The server has named no limit yet.
    textBytesMax: still(Number.POSITIVE_INFINITY),
    thread: threadOf,
    conversation: () => still(null),
    presence: () => still(onServer.presence),
    setContact: (other, is) => act((next) => next.setContact(other, is)),
    setBlocked: (other, is) => act((next) => next.setBlocked(other, is)),
    mute: (conversation, until) => act((next) => next.mute(conversation, until)),
    unmute: (conversation) => act((next) => next.unmute(conversation)),
    ...{ on: () => nothing, retain: () => nothing, retry: nothing, reauthenticate: nothing },
    ...{ registerPush: never, work: never, signOut: never, close: async () => {} },
  };
  return {
    client,
    leave() {
      for (const [key, { draft }] of composers) note(key, draft.get());
    },
    handOver(next) {
      for (const one of acts.splice(0)) one(next);
      for (const [key, composer] of composers) {
        note(key, "");
        composer.handOver(next);
      }
    },
  };
}

type Composer = Pick<Thread, "draft" | "send"> & { handOver(client: Client): void };

/** A text stays in its field until the client is here, also one that is being sent: it is then sent once, however often its user has asked for that. */
function createComposer(target: Target, typed: string): Composer {
  const draft = createSource(typed, { onFault });
  const sending = deferred<Sending>();
  let sent: string | null = null;
  return {
    draft: {
      ...draft,
      set(text) {
        sent = null;
        draft.set(text);
      },
    },
    send(text) {
      sent = text;
      const { promise } = sending;
      return { id: "", kept: promise.then(({ kept }) => kept), accepted: promise.then(({ accepted }) => accepted) };
    },
    handOver(client) {
      const thread = client.thread(target);
      if (draft.get() !== "") thread.draft.set(draft.get());
      if (sent === null) return;
      try {
        sending.resolve(thread.send(sent));
      } catch (error) {
        sending.reject(error);
      }
    },
  };
}
