import type { Clock } from "../../internal/clock.ts";
import { identityKey } from "../../model.ts";
import type { Limits } from "../../protocol/limits.ts";
import { utf8Bytes } from "../../internal/utf8.ts";
import { sendKey, type Waiting } from "./batch.ts";
import { createSenderRates } from "./sender-rates.ts";
import type { Outcome, Send } from "../store.ts";

type Queued = Waiting & {
  /** Its sender writes as people do. */
  readonly isLight: boolean;
};

/** What waits of one sender; `first`: those before it were in earlier commits; `taken`: so many behind those are in this one. */
type Line = { list: Queued[]; first: number; taken: number };

/** One turn of a sender: what is answered and delivered together costs less than the same one by one. */
const turnSendsMax = 32;
const turnBytesMax = 16_384;

/** So many that were taken are forgotten at a time. */
const compactAfter = 256;

/**
 * Sends that wait for their commit. Senders take turns, each one's own in their order: however much one has waiting, the next one's first
 * goes into the next commit. While people write, those who send as fast as they can get only so much of each commit, in sends and in bytes:
 * who writes once then waits for two short commits, however many flood. Where nobody does, commits are as large as they may be, for then
 * they cost the least.
 */
export function createSendQueue({ clock, limits }: { readonly clock: Clock; readonly limits: Limits }) {
  const rates = createSenderRates({ clock, sendsMax: limits.lightSendsMax });
  /** Whose turn it is first stands first. */
  let lines = new Map<string, Line>();
  let size = 0;

  /** What was taken of each line, one sender's together: rows of one conversation that stand together cost the database less. */
  function leave(): Waiting[] {
    const commit: Waiting[] = [];
    for (const [sender, line] of [...lines]) {
      if (line.taken === 0) continue;
      for (const end = line.first + line.taken; line.first < end; line.first++) {
        const waiting = line.list[line.first];
        if (waiting) commit.push(waiting);
      }
      line.taken = 0;
      // Served: the others' turn comes first in the next commit.
      lines.delete(sender);
      if (line.first === line.list.length) continue;
      if (line.first >= compactAfter) [line.list, line.first] = [line.list.slice(line.first), 0];
      lines.set(sender, line);
    }
    return commit;
  }

  return {
    push(send: Send, settle: (outcome: Outcome) => void): void {
      const sender = identityKey({ tenant: send.tenant, user: send.from });
      const bytes = utf8Bytes(JSON.stringify(send.text));
      const queued = { send, settle, key: sendKey(send), bytes, isLight: rates.isLight(sender) };
      const line = lines.get(sender);
      if (line) line.list.push(queued);
      else lines.set(sender, { list: [queued], first: 0, taken: 0 });
      size++;
    },

    /** The next commit's: as many as the limits allow, and never two of one id (the later one learns from the first). */
    take(): Waiting[] {
      const keys = new Set<string>();
      const areLightAbout = rates.areLightAbout();
      let room = areLightAbout ? limits.commitHeavySendsMax : limits.commitSendsMax;
      let heavyBytes = areLightAbout ? limits.commitHeavyBytesMax : limits.commitBytesMax;
      let bytes = limits.commitBytesMax;
      // Those who may still have one more, each in a round one.
      let round = [...lines];
      while (round.length > 0) {
        const rest: typeof round = [];
        for (const entry of round) {
          const [, line] = entry;
          let turnBytes = turnBytesMax;
          let turnSends = turnSendsMax;
          while (turnSends > 0 && turnBytes > 0) {
            const next = line.list[line.first + line.taken];
            if (!next || keys.size >= limits.commitSendsMax || bytes <= 0 || keys.has(next.key)) break;
            if (!next.isLight && (room === 0 || heavyBytes <= 0)) break;
            keys.add(next.key);
            line.taken++;
            turnSends--;
            turnBytes -= next.bytes;
            bytes -= next.bytes;
            if (next.isLight) continue;
            room--;
            heavyBytes -= next.bytes;
          }
          // Whoever used up their turn may have another one.
          if (turnSends === 0 || turnBytes <= 0) rest.push(entry);
        }
        round = rest;
      }
      size -= keys.size;
      return leave();
    },

    takeAll(): Waiting[] {
      const all = [...lines.values()].flatMap(({ list, first }) => list.slice(first));
      lines = new Map();
      size = 0;
      return all;
    },

    size: (): number => size,
  };
}
