import type { Clock } from "../../internal/clock.ts";
import { identityKey } from "../../model.ts";
import type { Limits } from "../../protocol/limits.ts";
import { utf8Bytes } from "../../internal/utf8.ts";
import { sendKey, type Waiting } from "./batch.ts";
import { createSenderRates } from "./sender-rates.ts";
import type { Outcome, Send } from "../store.ts";

type Queued = Waiting & {
  /** Its sender is interactive: below the rate limit of `createSenderRates`. */
  readonly isLight: boolean;
};

/** The waiting sends of one sender. Those before `first` were in earlier commits; the next `taken` are in this one. */
type Line = { list: Queued[]; first: number; taken: number };

/** The limits of one turn of a sender: sends that are answered and delivered together cost less than one by one. */
const turnSendsMax = 32;
const turnBytesMax = 16_384;

/** The outcome of a send is unknown. */
export const unavailable: Outcome = { type: "refused", code: "unavailable" };

export type SendQueueOptions = {
  readonly clock: Clock;
  readonly limits: Limits;
  /** Whether sends are taken now. */
  readonly isOpen: () => boolean;
  /** A send waits for a commit. */
  readonly onWork: () => void;
};

/** Sends that were taken are removed from the list when there are this many. */
const compactAfter = 256;

/**
 * Sends that wait for their commit. Senders take turns, and the sends of each keep their order: however many sends one has waiting, the first send
 * of another goes into the next commit. While interactive senders are active, the others share a limited part of each commit, in sends and in
 * bytes: an interactive message then waits for at most two short commits, however many others flood. Otherwise commits are as large as allowed,
 * because that costs the least.
 */
export function createSendQueue({ clock, limits, isOpen, onWork }: SendQueueOptions) {
  const rates = createSenderRates({ clock, sendsMax: limits.lightSendsMax });
  /** In the order of their turns. */
  let lines = new Map<string, Line>();
  let size = 0;

  /** The sends that were taken, in the order of their senders: adjacent rows of one conversation cost the database less. */
  function leave(): Waiting[] {
    const commit: Waiting[] = [];
    for (const [sender, line] of [...lines]) {
      if (line.taken === 0) continue;
      for (const end = line.first + line.taken; line.first < end; line.first++) {
        const waiting = line.list[line.first];
        if (waiting) commit.push(waiting);
      }
      line.taken = 0;
      // The others' turn comes first in the next commit.
      lines.delete(sender);
      if (line.first === line.list.length) continue;
      if (line.first >= compactAfter) [line.list, line.first] = [line.list.slice(line.first), 0];
      lines.set(sender, line);
    }
    return commit;
  }

  return {
    append(send: Send, settle: (outcome: Outcome) => void): void {
      if (!isOpen() || size >= limits.commitQueueMax) return settle(unavailable);
      const sender = identityKey({ tenant: send.tenant, user: send.from });
      const bytes = utf8Bytes(JSON.stringify(send.text));
      const queued = { send, settle, key: sendKey(send), bytes, isLight: rates.isLight(sender) };
      const line = lines.get(sender);
      if (line) line.list.push(queued);
      else lines.set(sender, { list: [queued], first: 0, taken: 0 });
      size++;
      onWork();
    },

    /** The sends of the next commit: as many as the limits allow, and never two with one id (the later one is compared with the first). */
    take(): Waiting[] {
      const keys = new Set<string>();
      const areLightAbout = rates.areLightAbout();
      let room = areLightAbout ? limits.commitHeavySendsMax : limits.commitSendsMax;
      let heavyBytes = areLightAbout ? limits.commitHeavyBytesMax : limits.commitBytesMax;
      let bytes = limits.commitBytesMax;
      // The senders that may have another turn; each has one in a round.
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
          // A sender that used up its turn may have another one.
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
