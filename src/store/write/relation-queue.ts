import { ChatError } from "../../error.ts";
import { type Identity, identityKey } from "../../model.ts";
import type { WaitingRelations } from "./batch.ts";
import type { Said } from "../store.ts";

export type RelationQueueOptions = {
  /** At most so much that is said goes into one commit, but for a single call of more. */
  readonly saidMax: number;
  /** At most so many rows, which the users of these calls have, are counted in one commit, but for those of a single user. */
  readonly rowsMax: number;
};

/** What people say of each other, on its way to a commit. */
export function createRelationQueue({ saidMax, rowsMax }: RelationQueueOptions) {
  let queue: WaitingRelations[] = [];

  return {
    /** Resolves once all of it is on disk. `present`: how many rows the user has. */
    push(identity: Identity, said: readonly Said[], present: number): Promise<void> {
      return new Promise((resolve, reject) => {
        queue.push({ identity, said: oneOfEach(said), present, resolve, reject });
      });
    },

    /** The next commit's: one call of each user, in the order of the calls, so that the database can refuse one as a whole. */
    take(): WaitingRelations[] {
      const taken = new Map<string, WaitingRelations>();
      const left: WaitingRelations[] = [];
      let said = 0;
      let rows = 0;
      for (const waiting of queue) {
        const key = identityKey(waiting.identity);
        const isTooMuch = said + waiting.said.length > saidMax || rows + waiting.present > rowsMax;
        if (taken.has(key) || (taken.size > 0 && isTooMuch)) left.push(waiting);
        else {
          taken.set(key, waiting);
          said += waiting.said.length;
          rows += waiting.present;
        }
      }
      queue = left;
      return [...taken.values()];
    },

    takeAll(): WaitingRelations[] {
      const all = queue;
      queue = [];
      return all;
    },

    size: (): number => queue.length,
  };
}

export const tooManyRelations = (most: number): ChatError =>
  new ChatError("too_large", `A user has at most ${most} contacts and blocks`);

/** Of what one call says of one person, all that holds after it. */
function oneOfEach(said: readonly Said[]): readonly Said[] {
  const last = new Map<string, Said>();
  for (const each of said) last.set(each.other, { ...last.get(each.other), ...each });
  return [...last.values()];
}
