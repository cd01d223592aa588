import type { Clock } from "../internal/clock.ts";
import { identityKey } from "../model.ts";
import type { Limits } from "../protocol/limits.ts";
import { utf8Bytes } from "../internal/utf8.ts";
import { sendKey, type Waiting } from "./batch.ts";
import { createSenderRates } from "./sender-rates.ts";
import type { Outcome, Send } from "./store.ts";

type Queued = Waiting & {
  readonly sender: string;
  /** Its sender writes as people do. */
  readonly isLight: boolean;
};

/**
 * Sends that wait for their commit, first come, first served; but while people write, those who send as fast as they can
 * get only so much of each commit: who writes once then waits for two short commits, however many flood. Where nobody
 * does, commits are as large as they may be, for then they cost the least.
 */
export function createSendQueue({ clock, limits }: { readonly clock: Clock; readonly limits: Limits }) {
  const rates = createSenderRates({ clock, sendsMax: limits.lightSendsMax });
  let queue: Queued[] = [];

  return {
    push(send: Send, settle: (outcome: Outcome) => void): void {
      const sender = identityKey({ tenant: send.tenant, user: send.from });
      const bytes = utf8Bytes(JSON.stringify(send.text));
      queue.push({ send, settle, key: sendKey(send), bytes, sender, isLight: rates.isLight(sender) });
    },

    /** The next commit's: as many as the limits allow, and never two of one id (the later one learns from the first). */
    take(): Waiting[] {
      const taken = new Map<string, Waiting>();
      const left: Queued[] = [];
      /** Nothing of a sender overtakes what was left of theirs. */
      const held = new Set<string>();
      let room = rates.areLightAbout() ? limits.commitHeavySendsMax : limits.commitSendsMax;
      let bytes = 0;
      let i = 0;
      for (; i < queue.length && taken.size < limits.commitSendsMax && bytes < limits.commitBytesMax; i++) {
        const waiting = queue[i];
        if (!waiting) continue;
        if (taken.has(waiting.key)) left.push(waiting);
        else if (held.has(waiting.sender) || (!waiting.isLight && room === 0)) {
          held.add(waiting.sender);
          left.push(waiting);
        } else {
          taken.set(waiting.key, waiting);
          bytes += waiting.bytes;
          if (!waiting.isLight) room--;
        }
      }
      queue = left.length === 0 && i === queue.length ? [] : [...left, ...queue.slice(i)];
      return [...taken.values()];
    },

    takeAll(): Waiting[] {
      const all = queue;
      queue = [];
      return all;
    },

    size: (): number => queue.length,
  };
}
