import type { Thread, ThreadState } from "../api.ts";
import type { Environment } from "../environment.ts";
import { createSource, type Readable } from "../readable.ts";
import { checkText } from "./check-text.ts";
import type { ConversationRow, Target } from "../vault/rows.ts";
import { type Cache, targetKey } from "./cache.ts";
import type { Keeper } from "./keeper.ts";
import type { Outbox } from "./outbox.ts";
import type { Pages } from "./pages.ts";
import { createThreadRows } from "./thread-rows.ts";
import type { Typing } from "./typing.ts";
import { createWindow } from "./window.ts";
import type { Wishes } from "./wishes.ts";

export type ThreadOptions = {
  readonly target: Target;
  readonly self: string;
  readonly clock: Environment["clock"];
  readonly cache: Cache;
  readonly keeper: Keeper;
  readonly outbox: Outbox;
  readonly pages: Pages;
  readonly typing: Typing;
  readonly wishes: Wishes;
  readonly textBytesMax: () => number;
  readonly onFault: (fault: unknown) => void;
};

/** A thread, with what its owner calls. */
export type OwnedThread = Thread & {
  /** A connection has caught up: what could not be had is asked for again. */
  online(): void;
  /** The vault is open. */
  open(): void;
  draftChanged(): void;
  close(): void;
};

const noMarks = { delivered: 0, read: 0 };

/** How long the text of the composer may be unsaved. */
const draftMs = 300;

export function createThread(options: ThreadOptions): OwnedThread {
  const { target, self, clock, cache, keeper, outbox, pages, typing, wishes, onFault } = options;
  const key = targetKey(target);
  const rows = createThreadRows();
  const window = createWindow({ find, cache, keeper, pages, onChange: refresh, onFault });
  /** The user's read mark when the window was opened, if something was unread. */
  let readAtOpen: number | null = null;
  const state = createSource<ThreadState>(snapshot(), { onFault });
  const draft = createDraft();

  async function find(): Promise<ConversationRow | "none" | "unreachable"> {
    const held = "with" in target ? cache.byUser(target.with) : (cache.conversations.get(target.conversation) ?? null);
    const id = "with" in target ? { with: target.with } : { id: target.conversation };
    const row = held ?? (await keeper.vault().conversation(id)) ?? (await fetchConversation(id));
    if (typeof row !== "string") {
      cache.hold(row);
      if (row.unread > 0) readAtOpen ??= row.own.read;
    }
    return row;
  }

  async function fetchConversation(id: { id: string } | { with: string }): Promise<ConversationRow | "none" | "unreachable"> {
    const listed = await pages.conversation(id);
    if (listed === null) return "unreachable";
    if (listed === "none") return "none";
    const { conversations } = await keeper.write({ conversations: [{ kind: "listed", listed }] }, "relaxed");
    return conversations[0] ?? cache.conversations.get(listed.id) ?? "unreachable";
  }

  function isFor(of: Target): boolean {
    if (targetKey(of) === key) return true;
    const { row } = window.state();
    return row !== null && ("with" in of ? of.with === row.with : of.conversation === row.id);
  }

  function snapshot(): ThreadState {
    const { row, messages, before, after } = window.state();
    const peer = row?.peer ?? noMarks;
    const own = row?.own ?? noMarks;
    const pending = [...cache.pending.values()].filter((entry) => isFor(entry.row.target));
    const made = rows.make({ self, messages, peer, pending: after === "end" ? pending : [], isUnderWay: outbox.isUnderWay });
    const firstUnread = messages.find((message) => message.from !== self && message.seq > (readAtOpen ?? Number.POSITIVE_INFINITY));
    return {
      conversation: row?.id ?? ("conversation" in target ? target.conversation : null),
      with: row?.with ?? ("with" in target ? target.with : null),
      rows: made,
      before,
      after,
      unread: row?.unread ?? 0,
      divider: readAtOpen === null ? null : (firstUnread?.seq ?? readAtOpen + 1),
      peer,
      own,
      isMuted: wishes.mute(row)?.muted ?? row?.muted ?? false,
    };
  }

  function refresh(): void {
    const next = snapshot();
    if (!isSame(next, state.get())) state.set(next);
  }

  const unsubscribe = cache.subscribe((change) => {
    if (change.of === "outbox" || change.of === "wishes") return refresh();
    if (change.of === "all") return change.isReset ? window.show("newest") : window.reload();
    if (change.of !== "conversation" || change.id === null) return;
    const row = cache.conversations.get(change.id);
    if (row === undefined) return;
    const isMine = isFor({ conversation: row.id }) || (row.with !== null && isFor({ with: row.with }));
    if (isMine) window.changed(row, change.messages);
  });

  /** Only the newest mark is written, one write at a time. */
  let readWanted = 0;
  let isMarking = false;
  function mark(): void {
    const { row, messages } = window.state();
    const seen = messages.findLast((message) => message.seq <= readWanted && message.from !== self);
    if (isMarking || row === null || seen === undefined || seen.seq <= row.own.read) return;
    isMarking = true;
    const hasAll = (messages.at(-1)?.seq ?? 0) >= row.counted;
    const after = messages.filter((message) => message.seq > seen.seq && message.seq <= row.counted && message.from !== self);
    const rest = { unread: after.length, to: row.counted };
    wishes
      .read({ conversation: row.id, seq: seen.seq, id: seen.id, ...(hasAll && { rest }) })
      .catch(onFault)
      .finally(() => {
        isMarking = false;
        if (readWanted > seen.seq) mark();
      });
  }

  function createDraft() {
    const source = createSource("", { onFault });
    let cancel: (() => void) | null = null;
    const save = (): void => {
      cancel = null;
      const text = source.get();
      keeper.write({ drafts: [[key, text === "" ? null : text]] }, "relaxed").catch(onFault);
    };
    return {
      get: source.get,
      subscribe: source.subscribe,
      set(text: string): void {
        source.set(text);
        cancel ??= clock.after(draftMs, save);
      },
      /** As the vault has it, unless the user is typing here. */
      async load(): Promise<void> {
        const text = await keeper.vault().draft(key);
        if (cancel === null) source.set(text ?? "");
      },
      /** Sent: its deletion is part of the message's own write. */
      taken(): void {
        cancel?.();
        cancel = null;
        source.set("");
      },
      restore(text: string): void {
        if (source.get() === "") this.set(text);
      },
    };
  }

  return {
    state: state as Readable<ThreadState>,
    draft,
    typists: typing.typists(() => window.state().row?.id ?? ("conversation" in target ? target.conversation : null)),
    loadBefore: window.loadBefore,
    loadAfter: window.loadAfter,
    jump(to) {
      if (to === "newest") return window.show("newest");
      const { row } = window.state();
      if (to === "unread") return window.show(row === null || row.unread === 0 ? "newest" : row.own.read + 1);
      window.show(to.seq);
    },
    send(text) {
      checkText(text, options.textBytesMax());
      const sending = outbox.send(target, text);
      draft.taken();
      typing.sent(target);
      // What cannot be kept goes back to the composer: it is neither sent nor lost.
      sending.kept.catch(() => draft.restore(text));
      return sending;
    },
    retry: outbox.retry,
    cancel: outbox.cancel,
    async edit(id, text) {
      checkText(text, options.textBytesMax());
      return outbox.edit(id, text);
    },
    typing(isTyping) {
      typing.type(target, isTyping);
    },
    markRead(seq) {
      readWanted = Math.max(readWanted, seq);
      mark();
    },
    online: window.online,
    open() {
      window.show("newest");
      draft.load().catch(onFault);
    },
    draftChanged() {
      draft.load().catch(onFault);
    },
    close() {
      unsubscribe();
      window.close();
    },
  };
}

const isSame = (a: ThreadState, b: ThreadState): boolean =>
  (Object.keys(a) as (keyof ThreadState)[]).every((name) => Object.is(a[name], b[name]));
