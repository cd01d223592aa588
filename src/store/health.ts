import { ChatError } from "../error.ts";
import { createSingleFlight } from "../internal/single-flight.ts";
import type { Cursor } from "../model.ts";
import type { Engine } from "./engine/engine.ts";
import { isDamage } from "./engine/failure.ts";
import type { OneHistory } from "./one-history.ts";
import type { Trouble } from "./store.ts";

export type StoreHealthOptions = {
  readonly engine: Pick<Engine, "fault">;
  readonly history: Pick<OneHistory, "head" | "isCurrent" | "isUnreadable">;
  readonly onFault: (fault: unknown) => void;
  /** A read has shown that the database is damaged. Called again by each such read. */
  readonly onDamage: (cause: unknown) => void;
};

/** Finds faults of a database from the outcome of the store's calls. */
export function createStoreHealth({ engine, history, onFault, onDamage }: StoreHealthOptions) {
  let reads: "work" | "fail" | "damaged" = "work";
  let reportedOfFile: string | undefined;

  const noteReads = (outcome: "work" | "fail"): void => {
    if (reads !== "damaged") reads = outcome;
  };

  function noteFault(fault: unknown): void {
    if (isDamage(fault)) reads = "damaged";
    // An unreadable log was reported when it was found.
    if (!history.isUnreadable()) onFault(fault);
  }

  /** A call that fails may have been at fault itself. Whether others work is shown by the smallest read there is. */
  const checkReads = createSingleFlight(
    () =>
      history.head().then(
        () => noteReads("work"),
        () => noteReads("fail"),
      ),
    onFault,
  );

  async function guarded<T>(read: () => Promise<T>): Promise<T> {
    try {
      const result = await read();
      noteReads("work");
      return result;
    } catch (cause) {
      noteFault(cause);
      if (reads === "damaged") onDamage(cause);
      checkReads();
      throw new ChatError("unavailable", "The store could not be read", { cause });
    }
  }

  /** Reports each fault of the file once. */
  function hasFileFault(): boolean {
    const fault = engine.fault?.();
    if (fault && fault.message !== reportedOfFile) onFault(fault);
    reportedOfFile = fault?.message;
    return fault !== undefined;
  }

  return {
    /** Notes that a call has failed, and reports it. */
    noteFault,

    /** Runs a read, or another call without a commit of its own. Rejects with `unavailable`. */
    guarded,

    /** The newest position; shows whether the store can be read. Rejects with `unavailable`. */
    async head(): Promise<Cursor> {
      hasFileFault();
      try {
        const { epoch, n } = await guarded(history.head);
        return { epoch, n };
      } catch (error) {
        noteReads("fail");
        throw error;
      }
    },

    /** The fault, as far as reads show one; null: none. */
    trouble(): Trouble | null {
      if (reads === "damaged") return "damaged";
      if (hasFileFault()) return "file";
      if (!history.isCurrent()) return history.isUnreadable() ? "level" : "history";
      return reads === "work" ? null : "reads";
    },
  };
}
