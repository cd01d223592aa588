import { createAccount } from "./account.ts";
import { type Client, ClientError, type ClientOptions, type StorageState, type Status } from "./api.ts";
import { createEvents } from "./events.ts";
import { createLife } from "./life.ts";
import { createGuard } from "./link/guard.ts";
import { createLink } from "./link/link.ts";
import { ownClock } from "./owned-clock.ts";
import { createSource } from "./readable.ts";
import { createReceiver } from "./receiver.ts";
import { reportFault, runtimeEnvironment } from "./runtime.ts";
import { scopeOf } from "./scope.ts";
import { createCache } from "./sync/cache.ts";
import { createIds } from "./sync/ids.ts";
import { createInbox } from "./sync/inbox.ts";
import { createKeeper } from "./sync/keeper.ts";
import { createList } from "./sync/list.ts";
import { createOutbox } from "./sync/outbox.ts";
import { createPages } from "./sync/pages.ts";
import { createRelationPages } from "./sync/relation-pages.ts";
import { createPresence } from "./sync/presence.ts";
import { createSender } from "./sync/sender.ts";
import { openTabs } from "./sync/tabs.ts";
import { createThreads } from "./sync/threads.ts";
import { createTyping } from "./sync/typing.ts";
import { createWorker } from "./sync/worker.ts";
import { createWishes, type Wanted } from "./sync/wishes.ts";
import { sameOr } from "./same.ts";
import type { RelationRow } from "./vault/rows.ts";

/** The highest level of change that this release understands (PROTOCOL 2). */
const level = 2;
/** The limit of a text until the server has named its own. */
const textBytesDefault = 16_384;

/**
 * The chat of one user on this device: durable, also without a network. It does nothing until it is used: `retain` connects it, and so does each hook
 * of `tidings/react`.
 *
 * @throws ClientError `config_invalid`: an option is missing, or is none.
 *
 * @example
 * const client = createClient({ url: "https://app.example/chat", user: "alice", storage: memory() });
 * const release = client.retain();
 * client.thread({ with: "bob" }).send("hi");
 */
export function createClient(options: ClientOptions): Client {
  const { user, storage, onFault: report = reportFault } = options;
  // The app's own function may throw too. The faults of calls that `close` has ended are none.
  const { onFault } = createGuard((fault) => life.isClosed() || report(fault));
  const runtime = { ...runtimeEnvironment(), ...options.environment };
  const clock = ownClock(runtime.clock);
  const environment = { ...runtime, clock };
  const scope = scopeOf(options);

  const status = createSource<Status>({ state: "idle" }, { onFault });
  const storageState = createSource<StorageState>({ kind: "opening" }, { onFault });
  const outboxCounts = createSource({ queued: 0, failed: 0 }, { onFault });
  const textBytesMax = createSource(textBytesDefault, { onFault });
  const relations = createSource<readonly RelationRow[]>([], { onFault });
  const events = createEvents(onFault);

  const cache = createCache();
  const ids = createIds(environment);
  const tabs = openTabs({
    openChannel: environment.openChannel,
    name: `tidings ${JSON.stringify(scope)}`,
    onNotice(notice) {
      if (!life.isOpen()) return;
      if (notice.outbox || notice.wishes) outbox.changedElsewhere();
      for (const thread of threads.awake) if (notice.drafts.includes(thread.key)) thread.draftChanged();
    },
  });
  const keeper = createKeeper({
    ...{ clock, cache, state: storageState, onWritten: tabs.tell },
    leave: (key, write) => storage.leave?.(scope, { key, write }),
  });
  const link = createLink(
    { ...options, ...scope, environment, onFault },
    {
      onConnect: (begin) => life.connect(begin),
      onWelcome: (welcome) => receiver.welcome(welcome),
      onFrame: (frame) => receiver.frame(frame),
      onDown: () => receiver.down(),
      onStatus: status.set,
    },
  );
  const life = createLife({
    ...{ clock, randomBytes: environment.randomBytes, storage, scope, level, ids, cache, keeper, onFault },
    link: () => link,
    onNew: () => threads.awake.forEach((thread) => thread.ask()),
    onOpen: () => threads.awake.forEach((thread) => thread.open()),
    onLost: () => storageState.set({ kind: "lost" }),
  });
  const parts = { self: user, clock, cache, keeper, link, onFault };
  const pages = createPages(link);
  const wishes = createWishes(parts);
  const typing = createTyping(parts);
  const presence = createPresence(parts);
  const list = createList({ ...parts, pages, wishes });
  const sender = createSender({
    ...{ ...parts, onGone: () => outbox.changedElsewhere() },
    onRefused: (id, failed) => outbox.refused(id, failed),
  });
  const worker = createWorker({ ...parts, reply: (target, message) => outbox.reply(target, message) });
  const outbox = createOutbox({
    ...{ ...parts, ids, sender },
    onFailed: ({ id, target }, failed) => events.emit("failed", { id, target, failed }),
  });
  const receiver = createReceiver({
    ...{ life, sender, outbox, list, wishes, typing, presence, link, textBytesMax },
    surroundings: environment.surroundings,
    relations: createRelationPages(parts),
    inbox: (caughtUp) =>
      createInbox({
        ...parts,
        link: { ...link, caughtUp },
        handle: (messages) => (worker.isWorking() ? worker.handle(messages) : null),
        onLive: (messages) =>
          messages.forEach((message) => {
            typing.spoke(message.conversation, message.from);
            events.emit("message", message);
          }),
        onAccepted: (messages) =>
          messages.forEach((message) => {
            outbox.settled(message);
            events.emit("accepted", message);
          }),
        onReset: (reason) => events.emit("reset", { reason }),
      }),
    onCaughtUp(isFresh) {
      threads.awake.forEach((thread) => thread.online(isFresh));
      outbox.caughtUp();
    },
    onShown: () => threads.awake.forEach((thread) => thread.draftChanged()),
    onLeaving: () => [outbox, ...threads.awake].forEach((part) => part.leave()),
  });
  const threads = createThreads({ ...parts, outbox, sender, pages, typing, wishes, textBytesMax, life });

  cache.subscribe(({ of }) => {
    if (of !== "conversations" && of !== "outbox") relations.set(wishes.relations());
    if (of !== "outbox" && of !== "all") return;
    const failed = [...cache.pending.values()].filter(({ row }) => row.failed !== undefined).length;
    outboxCounts.set(sameOr(outboxCounts.get(), { queued: cache.pending.size - failed, failed }));
  });

  const want = (wish: Wanted): void => void wishes.want(wish).catch(onFault);
  async function close(): Promise<void> {
    if (life.isClosed()) return;
    for (const part of [worker, link, tabs, receiver, threads, life, outbox, clock]) part.close();
  }

  function assertOpen(): void {
    if (life.isClosed()) throw new ClientError("closed", "The client is closed");
  }

  return {
    ...createAccount({ scope, storage, cache, life, link, close, onFault }),
    ...{ status, user, scope, textBytesMax, relations, close },
    ...{
      storage: storageState,
      outbox: outboxCounts,
      on: events.on,
      retry: link.retry,
      reauthenticate: link.reauthenticate,
    },
    ...{
      unread: list.unread,
      conversations: list.conversations,
      conversation: list.conversation,
      presence: presence.of,
    },
    thread(target) {
      assertOpen();
      return threads.of(target);
    },
    setContact: (other, is) => want({ kind: "contact", user: other, is }),
    setBlocked: (other, is) => want({ kind: "block", user: other, is }),
    mute: (conversation, until) =>
      want({ kind: "mute", conversation, muted: true, ...(until !== undefined && { until }) }),
    unmute: (conversation) => want({ kind: "mute", conversation, muted: false }),
    async work(handler, { signal } = {}) {
      assertOpen();
      const release = life.retain("at-once");
      await worker.run(handler, signal);
      // Later messages have no handler, so they must not be acked.
      release();
    },
    retain() {
      assertOpen();
      return life.retain();
    },
  };
}
