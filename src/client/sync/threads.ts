import { type Cache, targetKey } from "./cache.ts";
import { createThread, type OwnedThread, type ThreadContext } from "./thread.ts";
import type { Target } from "../vault/rows.ts";

/** The threads of a client: one for each target, as long as the client lives. */
export interface Threads {
  of(target: Target): OwnedThread;
  /** The vault is open. */
  open(): void;
  /** A connection has caught up. */
  online(): void;
  /** Another tab has changed the draft of this target key. Null: of any, while this page could not be reached. */
  draftChanged(key: string | null): void;
  close(): void;
}

export function createThreads(
  context: ThreadContext & { readonly cache: Cache; readonly isOpen: () => boolean },
): Threads {
  const threads = new Map<string, OwnedThread>();
  return {
    of(target) {
      const key = targetKey(target);
      const known = threads.get(key);
      if (known !== undefined) return known;
      const thread = createThread(target, context);
      threads.set(key, thread);
      if (context.isOpen()) thread.open();
      return thread;
    },
    open: () => threads.forEach((thread) => thread.open()),
    online: () => threads.forEach((thread) => thread.online()),
    draftChanged(key) {
      for (const [of, thread] of threads) if (key === null || of === key) thread.draftChanged();
    },
    close() {
      for (const thread of threads.values()) thread.close();
      threads.clear();
    },
  };
}
