import { ChatError } from "../../error.ts";
import { type Identity, identityKey } from "../../model.ts";
import type { Limits } from "../../protocol/limits.ts";
import type { Row } from "../engine/engine.ts";
import { integer } from "../row.ts";
import { relationsIn, type WaitingRelations } from "./batch.ts";
import type { RelationChange } from "../store.ts";

/**
 * Contacts and blocks on their way to a commit. One commit has at most `commitMarksMax` relations, unless a single call has more, and counts at most
 * `commitRelationRowsMax` rows of the users of these calls, unless a single user has more.
 */
export function createRelationQueue(limits: Pick<Limits, "commitMarksMax" | "commitRelationRowsMax" | "relationsMax">) {
  let queue: WaitingRelations[] = [];

  return {
    /** Resolves once all of it is on disk. `present`: the number of rows that the user has. */
    push(identity: Identity, said: readonly RelationChange[], present: number): Promise<void> {
      return new Promise((resolve, reject) => {
        queue.push({ identity, said: oneOfEach(said), present, resolve, reject });
      });
    },

    /** The calls of the next commit: one of each user, in their order, so that the database can refuse a call as a whole. */
    take(): WaitingRelations[] {
      const taken = new Map<string, WaitingRelations>();
      const left: WaitingRelations[] = [];
      let said = 0;
      let rows = 0;
      for (const waiting of queue) {
        const key = identityKey(waiting.identity);
        const isTooMuch =
          said + waiting.said.length > limits.commitMarksMax || rows + waiting.present > limits.commitRelationRowsMax;
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

    /** Answers the calls of a commit. `refused`: a row for each relation that is beyond what its user may have. */
    settle(calls: readonly WaitingRelations[], refused: readonly Row[]): void {
      const said = relationsIn(calls);
      const refusedCalls = new Set(refused.map((row) => said[integer(row, "i")]?.call));
      for (const call of calls) {
        if (refusedCalls.has(call)) call.reject(tooManyRelations(limits.relationsMax));
        else call.resolve();
      }
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

/** One item for each other user, with everything that the call sets. */
function oneOfEach(said: readonly RelationChange[]): readonly RelationChange[] {
  const last = new Map<string, RelationChange>();
  for (const each of said) last.set(each.other, { ...last.get(each.other), ...each });
  return [...last.values()];
}
