import { ClientError, type ClientErrorCode, type Message, type Sending } from "../api.ts";
import type { Environment } from "../environment.ts";
import type { OutboxChange, Write, Written } from "../vault/contract.ts";
import { VaultError } from "../vault/contract.ts";
import type { OutboxRow, Refusal, Target } from "../vault/rows.ts";
import { createAnswers } from "./answers.ts";
import type { Cache, Pending } from "./cache.ts";
import { createEdits } from "./edits.ts";
import type { Ids } from "./ids.ts";
import type { Keeper } from "./keeper.ts";
import { createLookAround } from "./look-around.ts";
import type { Sender } from "./sender.ts";
import { targetKey } from "./target.ts";

/** What the user has sent, until the server has answered for good. */
export interface Outbox {
  /**
   * `drafts`: what the vault may hold of the text's draft, which goes with the text.
   *
   * @throws ClientError `outbox_full`.
   */
  send(target: Target, message: { readonly text: string; readonly drafts: readonly string[] }): Sending;
  /** Keeps a reply under an id that its trigger gives. If one of this id waits or was sent, with whatever text, that one counts. */
  reply(target: Target, message: { readonly id: string; readonly text: string }): Promise<void>;
  retry(id: string): void;
  cancel(id: string): Promise<"cancelled" | "too-late">;
  edit(id: string, text: string): Promise<"edited" | "too-late">;
  /** Its message is in the vault. */
  settled(message: Message): void;
  /** The server has refused it for good. */
  refused(id: string, failed: Refusal): Promise<void>;
  /** A connection has been greeted: from now on it looks for rows of tabs that have died. */
  begin(): void;
  /** The log is written up to now. */
  caughtUp(): void;
  /** Another tab has changed the outbox. */
  changedElsewhere(): void;
  /** The page is being left: what is being kept must be on disk then. */
  leave(): void;
  /** Rows stay on the device. Promises that wait for their answers reject. */
  close(): void;
}

export type OutboxOptions = {
  readonly clock: Environment["clock"];
  readonly ids: Ids;
  readonly cache: Cache;
  readonly keeper: Keeper;
  readonly sender: Pick<Sender, "flush" | "isConnected">;
  readonly onFault: (fault: unknown) => void;
  readonly onFailed: (row: OutboxRow, failed: Refusal) => void;
};

/** A new row, and the end of its draft. */
type Unkept = Pick<Pending, "row" | "draft">;

const rowsMax = 1_000;
/** After this long a row that is not on disk is sent nevertheless. */
const stallMs = 2_000;
/** A timer that is this late was one of a page that was frozen. */
const lateMs = 500;

export function createOutbox({ clock, ids, cache, keeper, sender, onFault, onFailed }: OutboxOptions): Outbox {
  const answers = createAnswers({ cache, keeper });
  async function change(changes: readonly OutboxChange[]): Promise<Written> {
    const written = await keeper.write({ outbox: changes }, "strict");
    // Another tab may have settled it.
    if ([...written.outbox.values()].includes(null)) lookAround.now();
    return written;
  }
  /** What is being kept. */
  const keeping = new Map<string, Promise<void>>();
  const kept = async (id: string): Promise<void> => await keeping.get(id)?.catch(() => {});
  const edits = createEdits({ cache, answers, kept, openings: keeper.openings, change, newRow, onAdded: sender.flush });
  const lookAround = createLookAround({ clock, cache, keeper, sender, onRead: answers.find, onFault });

  // Every start of a connection reads the outbox anew.
  cache.subscribe(({ of }) => void (of === "all" && answers.find().catch(onFault)));

  /** A storage that was made anew meanwhile may hold it or not: it is written there too, unless it has been accepted. */
  async function store(unkept: Unkept): Promise<void> {
    const write = writeOf(unkept);
    try {
      await keeper.write(write, "strict");
    } catch (fault) {
      if (!(fault instanceof VaultError && fault.fault === "lost")) throw fault;
      if (cache.pending.has(unkept.row.id)) await keeper.write(write, "strict");
    }
  }

  const note = (unkept: Unkept): void => keeper.leave(unkept.row.id, writeOf(unkept));

  async function keep(unkept: Unkept): Promise<void> {
    const { row } = unkept;
    const cancelStall = whenAwake(clock, () => {
      if (cache.pending.get(row.id)?.stage !== "keeping" || edits.isChanging(row.id)) return;
      // From now on it may have been sent.
      const stalled: Pending = { ...unkept, row: { ...row, isTried: true }, stage: "stalled" };
      cache.setPending(row.id, stalled);
      // Its page may die before the storage goes on: then its draft is still there, although it was sent.
      note(stalled);
      sender.flush();
    });
    const stored = store(unkept);
    keeping.set(row.id, stored);
    try {
      await stored;
    } catch (fault) {
      const stage = cache.pending.get(row.id)?.stage;
      const error = storageError(fault);
      // Sent while the storage hung: it stays on screen until its answer, which its sender hears.
      if (stage === "stalled") throw error;
      // Its note may have kept it. Where it is gone, it was accepted, or another tab has cancelled it.
      if (stage === "keeping" || (stage === undefined && (await answers.isOpen(row.id, row.target)))) {
        // Its user gets the text back: the page may have been left meanwhile, and have come back.
        keeper.leave(row.id, null);
        cache.setPending(row.id, null);
        answers.ended(row.id, error);
        throw error;
      }
    } finally {
      keeping.delete(row.id);
      cancelStall();
    }
    sender.flush();
  }

  function newRow(target: Target, text: string): OutboxRow {
    return {
      ...{ id: ids.next(), kind: "send", target, text, time: clock.now() },
      // On a connection it goes out at once, so that it counts as tried from the start: one write in place of two.
      isTried: sender.isConnected(),
    };
  }

  function put(unkept: Unkept): Sending {
    const { row } = unkept;
    const accepted = answers.of(row.id, row.target);
    cache.setPending(row.id, { ...unkept, stage: "keeping" });
    const kept = keep(unkept);
    // A caller may ignore them: the thread shows the same.
    accepted.catch(() => {});
    kept.catch(() => {});
    return { id: row.id, kept, accepted };
  }

  return {
    begin: lookAround.begin,
    send(target, { text, drafts }) {
      if (cache.pending.size >= rowsMax) throw new ClientError("outbox_full", `${rowsMax} messages wait already`);
      return put({ row: newRow(target, text), draft: [targetKey(target), null, [text, ...drafts]] });
    },
    async reply(target, { id, text }) {
      if (!cache.pending.has(id)) await put({ row: { ...newRow(target, text), id, isReply: true } }).kept;
    },
    retry(id) {
      change([{ do: "retry", id }]).then(sender.flush, onFault);
    },
    cancel: edits.cancel,
    edit: edits.edit,
    settled(message) {
      answers.accepted(message);
      sender.flush();
    },
    async refused(id, failed) {
      const isSent = failed.code === "conflict" && cache.pending.get(id)?.row.isReply === true;
      const gone = isSent ? ([{ do: "cancel", id }] as const) : [];
      const { outbox } = await keeper.write({ outbox: [{ do: "fail", id, failed }, ...gone] }, "relaxed");
      const row = outbox.get(id) ?? null;
      // Another tab has had it accepted, or its user has cancelled it there.
      if (row === null && !isSent) return await answers.find();
      if (row !== null) onFailed(row, failed);
      answers.refused(id, failed);
    },
    caughtUp: () => void answers.caughtUp().catch(onFault),
    changedElsewhere: lookAround.now,
    leave() {
      for (const entry of cache.pending.values()) if (entry.stage !== "kept") note(entry);
    },
    close: answers.close,
  };
}

/** Waits once more where its timer is late: what the storage has answered while the page was frozen is heard first. */
function whenAwake(clock: Environment["clock"], stall: () => void): () => void {
  const late = clock.elapsed() + stallMs + lateMs;
  let cancel = clock.after(stallMs, () => {
    if (clock.elapsed() < late) stall();
    else cancel = clock.after(stallMs, stall);
  });
  return () => cancel();
}

const writeOf = ({ row, draft }: Unkept): Write => ({ outbox: [{ do: "add", row }], drafts: draft ? [draft] : [] });

function storageError(fault: unknown): ClientError {
  const isFull = fault instanceof VaultError && fault.fault === "full";
  const code: ClientErrorCode = isFull ? "storage_full" : "storage_failed";
  return new ClientError(code, "It could not be kept on this device", fault);
}
