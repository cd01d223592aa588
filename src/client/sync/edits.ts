import { ClientError } from "../api.ts";
import type { OutboxChange, Written } from "../vault/contract.ts";
import type { OutboxRow, Target } from "../vault/rows.ts";
import type { Answers } from "./answers.ts";
import type { Cache } from "./cache.ts";
import type { Keeper } from "./keeper.ts";

/** Edits and cancels of what waits in the outbox. Each is decided by the vault: a row that may have been sent is too late. */
export interface Edits {
  cancel(id: string): Promise<"cancelled" | "too-late">;
  edit(id: string, text: string): Promise<"edited" | "too-late">;
  /** An edit or a cancel of it is not decided: it must not go out as it was. */
  isChanging(id: string): boolean;
}

export type EditsOptions = {
  readonly cache: Cache;
  readonly answers: Answers;
  /** Resolves once it is kept, or cannot be: a storage that is made anew meanwhile holds nothing of it until then. */
  readonly kept: (id: string) => Promise<void>;
  readonly openings: Keeper["openings"];
  readonly change: (changes: readonly OutboxChange[]) => Promise<Written>;
  readonly newRow: (target: Target, text: string) => OutboxRow;
  /** There is a new row to send. */
  readonly onAdded: () => void;
};

export function createEdits({ cache, answers, kept, openings, change, newRow, onAdded }: EditsOptions): Edits {
  const changing = new Map<string, Promise<unknown>>();

  /** Decides an edit or a cancel. A row that was sent while the storage hung is too late, whatever the storage will hold. */
  async function decide<Result>(id: string, work: () => Promise<Result>): Promise<Result | "too-late"> {
    const isStalled = (): boolean => cache.pending.get(id)?.stage === "stalled";
    if (isStalled()) return "too-late";
    const result = kept(id).then(async (): Promise<Result | "too-late"> => (isStalled() ? "too-late" : work()));
    changing.set(id, result);
    try {
      return await result;
    } finally {
      if (changing.get(id) === result) changing.delete(id);
    }
  }

  async function cancel(id: string): Promise<"cancelled" | "too-late"> {
    const entry = cache.pending.get(id);
    const target = entry?.row.target;
    const before = openings();
    const { outbox } = await change([{ do: "cancel", id }]);
    if ((outbox.get(id) ?? null) !== null) return "too-late";
    // It is gone, and so it is if another tab was faster, or with the storage that held it: it may have been sent before.
    if (entry?.stage === "kept" && before !== openings()) return "too-late";
    if (target === undefined || (await answers.wasSent(id, target))) return "too-late";
    answers.ended(id, new ClientError("cancelled", "The message was cancelled"));
    return "cancelled";
  }

  async function edit(id: string, text: string): Promise<"edited" | "too-late"> {
    const row = cache.pending.get(id)?.row;
    if (row?.failed === undefined) {
      const { outbox } = await change([{ do: "edit", id, text }]);
      return outbox.get(id)?.text === text ? "edited" : "too-late";
    }
    // Another text is another message: the server may remember the refused one.
    const next = newRow(row.target, text);
    const { outbox } = await change([{ do: "replace", id, row: next }]);
    // Another tab may be trying it again, or has replaced it.
    if ((outbox.get(next.id) ?? null) === null) return "too-late";
    onAdded();
    return "edited";
  }

  return {
    isChanging: (id) => changing.has(id),
    cancel: (id) => decide(id, () => cancel(id)),
    edit: (id, text) => decide(id, () => edit(id, text)),
  };
}
