import { type Client, type ClientEvents, type ClientOptions, ClientError, type StorageState, type Status } from "./api.ts";
import { runtimeEnvironment } from "./runtime.ts";
import type { Frame, Link, Position } from "./link/contract.ts";
import { createLink } from "./link/link.ts";
import { createSource } from "./readable.ts";
import { createCache, targetKey } from "./sync/cache.ts";
import { createIds } from "./sync/ids.ts";
import { createInbox } from "./sync/inbox.ts";
import { createKeeper, type Hint } from "./sync/keeper.ts";
import { createList, listPage } from "./sync/list.ts";
import { createOutbox } from "./sync/outbox.ts";
import { createPages } from "./sync/pages.ts";
import { createPresence } from "./sync/presence.ts";
import { openTabs } from "./sync/tabs.ts";
import { createThread, type OwnedThread } from "./sync/thread.ts";
import { createTyping } from "./sync/typing.ts";
import { createWishes } from "./sync/wishes.ts";
import type { Scope, Vault } from "./vault/contract.ts";
import { memory } from "./vault/memory.ts";
import type { Target } from "./vault/rows.ts";

/** The highest level of change that this release understands (PROTOCOL 2). */
const level = 1;
/** The client stays connected for this long after nobody uses it: a page that is rendered anew takes it up again. */
const lingerMs = 5_000;
/** The limit of a text until the server has named its own. */
const textBytesDefault = 16_384;
/** How long an opening that failed waits. */
const reopenMs = 5_000;

/**
 * The chat of one user on this device: durable, also without a network. It does nothing until it is used: `retain` connects it, and so does each hook
 * of `tidings/react`.
 *
 * @example
 * const client = createClient({ url: "https://app.example/chat", user: "alice", storage: indexedDb() });
 * const release = client.retain();
 * client.thread({ with: "bob" }).send("hi");
 */
export function createClient(options: ClientOptions): Client {
  const { url, user, onFault = reportFault } = options;
  const environment = { ...runtimeEnvironment(), ...options.environment };
  const { clock } = environment;
  const scope: Scope = { url, tenant: options.tenant ?? "default", user };
  const storage = options.storage ?? memory();

  const status = createSource<Status>({ state: "idle" }, { onFault });
  const storageState = createSource<StorageState>({ kind: "opening" }, { onFault });
  const outboxCounts = createSource({ queued: 0, failed: 0 }, { onFault });
  const relations = createSource(wishesNone, { onFault });
  const listeners = new Map<keyof ClientEvents, Set<(value: never) => void>>();
  const threads = new Map<string, OwnedThread>();

  const ids = createIds(environment);
  const cache = createCache();
  const tabs = openTabs(environment.openChannel, `tidings ${JSON.stringify(scope)}`, onHint);
  const keeper = createKeeper({ clock, cache, state: storageState, onWritten: tabs.tell });
  const link: Link = createLink(
    { environment, url, user, ...(options.tenant !== undefined && { tenant: options.tenant }), ...(options.authenticate && { authenticate: options.authenticate }), onFault },
    { onConnect, onWelcome, onFrame, onDown, onStatus: status.set },
  );
  const pages = createPages(link);
  const wishes = createWishes({ clock, cache, keeper, link, onFault });
  const typing = createTyping({ clock, link, onFault });
  const presence = createPresence({ clock, link, onFault });
  const list = createList({ clock, self: user, cache, keeper, pages, wishes, onFault });
  const outbox = createOutbox({
    clock,
    ids,
    cache,
    keeper,
    link,
    onFault,
    onFailed: ({ id, target }, failed) => emit("failed", { id, target, failed }),
  });
  const inbox = createInbox({
    self: user,
    clock,
    cache,
    keeper,
    link: { ...link, caughtUp },
    onFault,
    onLive: (messages) => messages.forEach((message) => {
      typing.spoke(message.conversation, message.from);
      emit("message", message);
    }),
    onAccepted: (messages) => messages.forEach((message) => {
      outbox.settled(message);
      emit("accepted", message);
    }),
    onReset: (reason) => emit("reset", { reason }),
  });

  let textBytesMax = textBytesDefault;
  let position: Position | null = null;
  let life: "unopened" | "opening" | "open" | "closed" = "unopened";
  let uses = 0;

  cache.subscribe(({ of }) => {
    if (of === "outbox" || of === "all") countOutbox();
    if (of === "relations" || of === "wishes" || of === "all") relations.set(wishes.relations());
  });

  function countOutbox(): void {
    const failed = [...cache.pending.values()].filter(({ row }) => row.failed !== undefined).length;
    const queued = cache.pending.size - failed;
    const known = outboxCounts.get();
    if (queued !== known.queued || failed !== known.failed) outboxCounts.set({ queued, failed });
  }

  function emit<Name extends keyof ClientEvents>(event: Name, value: ClientEvents[Name]): void {
    for (const listener of [...(listeners.get(event) ?? [])])
      try {
        (listener as (value: ClientEvents[Name]) => void)(value);
      } catch (fault) {
        onFault(fault);
      }
  }

  /** The vault first: what it holds is shown, with or without a network. */
  async function open(): Promise<void> {
    life = "opening";
    try {
      const vault = await storage.open(scope, () => deviceName(environment.randomBytes));
      if (isClosed()) return vault.close();
      vault.onLost(() => lose(vault));
      keeper.use(vault);
      await readVault(vault);
    } catch (fault) {
      onFault(fault);
      if (life === "opening") life = "unopened";
      clock.after(reopenMs, () => life === "unopened" && uses > 0 && void open());
      return;
    }
    if (isClosed()) return;
    life = "open";
    for (const thread of threads.values()) thread.open();
    if (uses > 0) link.start();
  }

  const isClosed = (): boolean => life === "closed";

  async function readVault(vault: Vault): Promise<Position> {
    const boot = await vault.boot(Math.max(listPage, cache.conversations.size));
    if (boot.outbox.length > 0) ids.pass(boot.outbox.at(-1)?.id ?? "");
    const { device, cursor, level: reached } = boot.meta;
    cache.boot(boot);
    cache.setRelations(await vault.relations());
    position = { device, cursor, level: Math.max(level, Math.min(level, reached)) };
    return position;
  }

  /** The browser has deleted the data, or another tab has: this is a new device. */
  function lose(vault: Vault): void {
    if (isClosed()) return;
    vault.close();
    link.stop();
    keeper.use(null);
    storageState.set({ kind: "lost" });
    position = null;
    void open();
  }

  function onConnect(begin: (position: Position | null) => void): void {
    if (life !== "open") return begin(null);
    readVault(keeper.vault()).then(begin, (fault: unknown) => {
      onFault(fault);
      begin(null);
    });
  }

  let isFresh = false;
  function onWelcome({ limits, level: agreed }: Extract<Frame, { type: "welcome" }>): void {
    textBytesMax = limits.textBytes;
    isFresh = position?.cursor === null;
    if (position !== null) inbox.begin(position, agreed);
    outbox.begin(limits.sendWindow);
  }

  function onFrame(frame: Frame): void {
    switch (frame.type) {
      case "accepted":
        outbox.answered(frame.id);
        return inbox.take(frame);
      case "changes":
      case "reset":
        if (frame.type === "reset") isFresh = true;
        return inbox.take(frame);
      case "rejected":
        return outbox.rejected(frame);
      case "error":
        if (frame.id !== undefined) outbox.rejected({ ...frame, type: "rejected", id: frame.id, retry: "never" });
        return;
      case "typing":
        return typing.take(frame);
      case "presence":
        return presence.take(frame);
      default:
        return;
    }
  }

  function caughtUp(): void {
    link.caughtUp();
    list.begin(isFresh);
    wishes.begin();
    if (environment.surroundings.isVisible()) presence.begin();
    for (const thread of threads.values()) thread.online();
  }

  function onDown(): void {
    inbox.end();
    outbox.end();
    list.end();
    wishes.end();
    typing.end();
    presence.end();
    // What this connection has written is known; the next one reads where it is.
  }

  function onHint(hint: Hint): void {
    if (life !== "open") return;
    if (hint.outbox) outbox.changedElsewhere();
    for (const [key, thread] of threads) if (hint.drafts.includes(key)) thread.draftChanged();
  }

  function retain(): () => void {
    uses++;
    if (life === "unopened") void open();
    else if (life === "open") link.start();
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      uses--;
      clock.after(lingerMs, () => uses === 0 && life === "open" && link.stop());
    };
  }

  function threadOf(target: Target): OwnedThread {
    const key = targetKey(target);
    const known = threads.get(key);
    if (known !== undefined) return known;
    const thread = createThread({
      ...{ target, self: user, clock, cache, keeper, outbox, pages, typing, wishes, onFault },
      textBytesMax: () => textBytesMax,
    });
    threads.set(key, thread);
    if (life === "open") thread.open();
    return thread;
  }

  function assertOpen(): void {
    if (isClosed()) throw new ClientError("closed", "The client is closed");
  }

  const want = (wish: Parameters<typeof wishes.want>[0]): void => void wishes.want(wish).catch(onFault);

  const request = (method: "PUT" | "DELETE", path: string, body?: unknown): Promise<void> =>
    new Promise((resolve, reject) =>
      link.ask({ method, path, ...(body !== undefined && { body }) }, (answer) =>
        answer.ok ? resolve() : reject(new ClientError("refused", `${answer.code}: ${answer.message}`)),
      ),
    );

  const devicePath = (): string => `/devices/${encodeURIComponent(position?.device ?? "")}`;

  async function close(): Promise<void> {
    if (isClosed()) return;
    const vault = life === "open" ? keeper.vault() : null;
    life = "closed";
    link.close();
    tabs.close();
    for (const thread of threads.values()) thread.close();
    vault?.close();
  }

  return {
    status,
    storage: storageState,
    user,
    unread: list.unread,
    outbox: outboxCounts,
    conversations: list.conversations,
    relations,
    thread(target) {
      assertOpen();
      return threadOf(target);
    },
    conversation: list.conversation,
    presence: presence.of,
    setContact: (other, is) => want({ key: `contact ${other}`, kind: "contact", user: other, is }),
    setBlocked: (other, is) => want({ key: `block ${other}`, kind: "block", user: other, is }),
    mute: (conversation, until) =>
      want({ key: `mute ${conversation}`, kind: "mute", conversation, muted: true, ...(until !== undefined && { until }) }),
    unmute: (conversation) => want({ key: `mute ${conversation}`, kind: "mute", conversation, muted: false }),
    registerPush: (push) => (push === null ? request("DELETE", devicePath()) : request("PUT", devicePath(), { push })),
    on(event, listener) {
      const set = listeners.get(event) ?? new Set();
      listeners.set(event, set.add(listener as (value: never) => void));
      return () => void set.delete(listener as (value: never) => void);
    },
    retain() {
      assertOpen();
      return retain();
    },
    retry: link.retry,
    async signOut({ wipe = false } = {}) {
      const unsent = cache.pending.size;
      if (wipe) await request("DELETE", `${devicePath()}?forget=true`).catch(onFault);
      await close();
      if (wipe) await storage.destroy(scope);
      return { unsent };
    },
    close,
  };
}

const wishesNone: ReturnType<Client["relations"]["get"]> = [];

const deviceName = (randomBytes: (count: number) => Uint8Array): string =>
  [...randomBytes(16)].map((byte) => byte.toString(16).padStart(2, "0")).join("");

function reportFault(fault: unknown): void {
  console.error("tidings", fault);
}
