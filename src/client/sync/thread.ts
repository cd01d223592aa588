import type { Thread, ThreadState } from "../api.ts";
import type { Environment } from "../environment.ts";
import { createSource, type Readable } from "../readable.ts";
import type { ConversationRow, Target } from "../vault/rows.ts";
import type { Cache, Change } from "./cache.ts";
import { checkText } from "./check-text.ts";
import { createDraft } from "./draft.ts";
import { createFinder } from "./finder.ts";
import { createHistory } from "./history.ts";
import type { Keeper } from "./keeper.ts";
import type { Outbox } from "./outbox.ts";
import type { Pages } from "./pages.ts";
import { createReadMarker } from "./read-marker.ts";
import type { Sender } from "./sender.ts";
import { heldRow, isFor, targetKey } from "./target.ts";
import { createThreadRows, noMarks, peerMarks } from "./thread-rows.ts";
import type { Typing } from "./typing.ts";
import { createWindow, type WindowState } from "./window.ts";
import type { Wishes } from "./wishes.ts";

/** What all threads share. */
export type ThreadContext = {
  readonly self: string;
  readonly clock: Environment["clock"];
  readonly cache: Cache;
  readonly keeper: Keeper;
  readonly outbox: Outbox;
  readonly sender: Pick<Sender, "isUnderWay">;
  readonly pages: Pages;
  readonly typing: Typing;
  readonly wishes: Wishes;
  /** Whether the vault is open, or that of a new device is being made. */
  readonly life: { isOpen(): boolean; isNew(): boolean };
  readonly textBytesMax: Pick<Readable<number>, "get">;
  readonly onFault: (fault: unknown) => void;
};

/** A thread, with what its owner calls. */
export type OwnedThread = Thread & {
  readonly key: string;
  /** It has listeners. */
  isShown(): boolean;
  /** Follows the cache no longer, until it gets a listener: it then calls `onWake`. */
  sleep(): void;
  /** The vault of a new device is being made: the server is asked meanwhile. */
  ask(): void;
  /** The vault is open. */
  open(): void;
  /** A connection has caught up: what could not be had is asked for again. `isFresh`: what is shown came before the device knew the log. */
  online(isFresh: boolean): void;
  /** Another tab has changed the draft, as far as this one knows. */
  draftChanged(): unknown;
  /** The page is being left: what was typed is saved at once. */
  leave(): void;
};

type JumpTarget = Parameters<Thread["jump"]>[0];

export function createThread(
  target: Target,
  context: ThreadContext & { readonly onWake: (thread: OwnedThread) => void },
): OwnedThread {
  const { self, cache, outbox, typing, wishes, onFault } = context;
  const key = targetKey(target);
  const finder = createFinder(target, {
    ...context,
    onPage({ row, messages }) {
      noteUnread(row);
      window.preview(row, messages);
    },
  });
  /** The user's read mark when the window was opened, if something was unread. */
  let readAtOpen: number | null = null;
  /** Where the window goes when the vault is open. */
  let start: JumpTarget = "newest";
  const window = createWindow({
    async find(where) {
      const row = await finder.find(where);
      if (typeof row !== "string") noteUnread(row);
      return row;
    },
    cache,
    history: createHistory(context),
    onChange: refresh,
    onFault,
  });
  const snapshot = createSnapshot(target, context);
  const state = createSource<ThreadState>(snapshot(window.state(), readAtOpen), {
    onFault,
    onWatched: (isWatched) => isWatched && wake(),
  });
  const draft = createDraft({ key, ...context });
  const marker = createReadMarker({ self, window: window.state, wishes, onFault });

  const noteUnread = ({ unread, own }: ConversationRow): unknown => unread > 0 && (readAtOpen ??= own.read);

  function jump(to: JumpTarget): void {
    const { row } = window.state();
    if (typeof to === "object") window.show(to.seq);
    else window.show(to === "newest" || row === null || row.unread === 0 ? "newest" : row.own.read + 1);
  }

  function refresh(): void {
    const next = snapshot(window.state(), readAtOpen);
    if (!isSame(next, state.get())) state.set(next);
  }

  /** Its seqs are those of another history. */
  function beginAnew(): void {
    readAtOpen = null;
    window.beginAnew();
  }

  function changed(change: Change): void {
    if (change.of === "outbox" || change.of === "wishes") return refresh();
    if (change.of === "all") return change.isReset ? beginAnew() : window.reload();
    if (change.of !== "conversations") return;
    const row = heldRow(target, cache);
    const messages = change.messages?.get(row?.id ?? "");
    if (row !== null && messages !== undefined) window.changed(row, messages);
  }
  /** Null: it sleeps. */
  let unsubscribe: (() => void) | null = cache.subscribe(changed);

  function wake(): void {
    if (unsubscribe !== null) return;
    unsubscribe = cache.subscribe(changed);
    context.onWake(thread);
  }

  function sleep(): void {
    draft.flush();
    unsubscribe?.();
    unsubscribe = null;
    readAtOpen = null;
    window.close();
  }

  const thread: OwnedThread = {
    key,
    isShown: () => state.isWatched() || draft.isWatched(),
    sleep,
    state,
    draft,
    typists: typing.typists(() => state.get().conversation),
    loadBefore: window.loadBefore,
    loadAfter: window.loadAfter,
    jump: (to) => (context.life.isOpen() ? jump(to) : void (start = to)),
    send(text) {
      checkText(text, context.textBytesMax.get());
      const sending = outbox.send(target, { text, drafts: draft.stored() });
      draft.taken();
      typing.sent(target);
      // A text that cannot be kept goes back to the composer: it is neither sent nor lost. A text that is sent nevertheless stays in the thread.
      sending.kept.catch(() => cache.pending.has(sending.id) || draft.restore(text));
      return sending;
    },
    retry: outbox.retry,
    cancel: outbox.cancel,
    async edit(id, text) {
      checkText(text, context.textBytesMax.get());
      return await outbox.edit(id, text);
    },
    typing: (isTyping) => void (state.get().with !== self && typing.type(target, isTyping)),
    markRead: marker.mark,
    // A tab that died may have sent the draft, and have told nobody.
    online: (isFresh) => [window.online, draft.load, ...(isFresh ? [finder.renew] : [])].forEach((go) => go()),
    ask: finder.ask,
    open() {
      jump(start);
      start = "newest";
      draft.load();
    },
    draftChanged: () => context.life.isOpen() && draft.load(),
    leave: draft.leave,
  };
  return thread;
}

function createSnapshot(target: Target, { self, cache, sender, wishes }: ThreadContext) {
  const rows = createThreadRows();
  const key = targetKey(target);

  return ({ row, messages, before, after }: WindowState, readAtOpen: number | null): ThreadState => {
    const own = row?.own ?? noMarks;
    const peer = peerMarks(row, self);
    const isMine = (of: Target): boolean => targetKey(of) === key || (row !== null && isFor(of, row));
    // Not in the middle of a conversation.
    const isAtEnd = after === "end" || messages.length === 0;
    const pending = isAtEnd ? [...cache.pending.values()].filter((entry) => isMine(entry.row.target)) : [];
    const divider = messages.find(({ seq, from }) => from !== self && readAtOpen !== null && seq > readAtOpen);
    return {
      conversation: row?.id ?? ("conversation" in target ? target.conversation : null),
      with: row?.with ?? ("with" in target ? target.with : null),
      rows: rows.make({ self, messages, peer, pending, isUnderWay: sender.isUnderWay }),
      before,
      after,
      unread: row?.unread ?? 0,
      divider: readAtOpen === null ? null : (divider?.seq ?? readAtOpen + 1),
      peer,
      own,
      isMuted: wishes.mute(row)?.muted ?? row?.setting.muted ?? false,
    };
  };
}

const isSame = (a: ThreadState, b: ThreadState): boolean =>
  (Object.keys(a) as (keyof ThreadState)[]).every((name) => Object.is(a[name], b[name]));
