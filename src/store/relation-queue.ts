import { type Identity, identityKey } from "../model.ts";
import type { WaitingRelation } from "./batch.ts";
import type { Said } from "./store.ts";

/** What people say of each other, on its way to a commit. */
export function createRelationQueue({ takenMax }: { readonly takenMax: number }) {
  let queue: WaitingRelation[] = [];

  return {
    /** Resolves once all of it is on disk. */
    push(identity: Identity, said: readonly Said[]): Promise<void> {
      const stored = said.map(
        (each) => new Promise<void>((resolve, reject) => void queue.push({ ...each, identity, resolve, reject })),
      );
      return Promise.all(stored).then(() => {});
    },

    /** The next commit's: one of a pair, in the order of the calls; what else is said of it goes into the one after. */
    take(): WaitingRelation[] {
      const taken = new Map<string, WaitingRelation>();
      const left: WaitingRelation[] = [];
      for (const waiting of queue) {
        const key = `${identityKey(waiting.identity)} ${waiting.other}`;
        if (taken.has(key) || taken.size === takenMax) left.push(waiting);
        else taken.set(key, waiting);
      }
      queue = left;
      return [...taken.values()];
    },

    takeAll(): WaitingRelation[] {
      const all = queue;
      queue = [];
      return all;
    },

    size: (): number => queue.length,
  };
}
