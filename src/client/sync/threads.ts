import { targetKey } from "./target.ts";
import { createThread, type OwnedThread, type ThreadContext } from "./thread.ts";
import type { Target } from "../vault/rows.ts";

/** The threads of a client: one for each target, as long as it is shown or was lately asked for. */
export interface Threads {
  of(target: Target): OwnedThread;
  /** Those that follow the cache. */
  readonly awake: ReadonlySet<OwnedThread>;
  close(): void;
}

/** This many are kept, unless more are shown. */
const threadsMax = 50;

export function createThreads(context: ThreadContext): Threads {
  const { cache, life } = context;
  const byTarget = new Map<string, OwnedThread>();
  /** Those that follow the cache, the one that was asked for last at the end. */
  const awake = new Set<OwnedThread>();

  function add(thread: OwnedThread): void {
    awake.add(thread);
    if (!byTarget.has(thread.key)) byTarget.set(thread.key, thread);
    if (life.isOpen()) thread.open();
    else if (life.isNew()) thread.ask();
    if (awake.size <= threadsMax) return;
    for (const other of awake) if (other !== thread && !other.isShown()) return free(other);
  }

  function free(thread: OwnedThread): void {
    thread.sleep();
    awake.delete(thread);
    if (byTarget.get(thread.key) === thread) byTarget.delete(thread.key);
  }

  // A tab that died may have sent a draft without a word to the others: its row is found later.
  cache.subscribe(({ of }) => {
    if (of !== "outbox") return;
    for (const { row, stage } of cache.pending.values())
      for (const thread of awake) if (stage !== "keeping" && row.text === thread.draft.get()) thread.draftChanged();
  });

  return {
    awake,
    of(target) {
      const known = byTarget.get(targetKey(target));
      if (known !== undefined) {
        awake.delete(known);
        awake.add(known);
        return known;
      }
      const thread = createThread(target, { ...context, onWake: add });
      add(thread);
      return thread;
    },
    close() {
      for (const thread of [...awake]) free(thread);
    },
  };
}
