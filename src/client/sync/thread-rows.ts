import type { MessageState, ThreadRow } from "../api.ts";
import type { ConversationRow, Marks, MessageRow, OutboxRow } from "../vault/rows.ts";
import type { Pending } from "./cache.ts";

/** Makes the rows of one thread. A row with the same content is the same object as before, so that a user interface renders only the others. */
export interface ThreadRows {
  make(source: RowSource): readonly ThreadRow[];
}

export type RowSource = {
  readonly self: string;
  readonly messages: readonly MessageRow[];
  /** The marks of the other user. */
  readonly peer: { readonly delivered: number; readonly read: number };
  readonly pending: readonly Pending[];
  readonly isUnderWay: (id: string) => boolean;
};

type Made = { readonly of: MessageRow | OutboxRow; readonly row: ThreadRow };

export function createThreadRows(): ThreadRows {
  let made = new Map<string, Made>();
  let rows: readonly ThreadRow[] = [];

  function rowOf(of: MessageRow | OutboxRow, from: string, state: MessageState): Made {
    const key = `${from} ${of.id}`;
    const before = made.get(key);
    if (before !== undefined && before.of === of && before.row.state === state) return before;
    const isMessage = "seq" in of;
    const failed = isMessage ? undefined : of.failed;
    const { id, text, time } = of;
    const seq = isMessage ? of.seq : null;
    const canChange = !isMessage && (!of.isTried || failed !== undefined);
    return { of, row: { key, id, from, text, time, seq, state, ...(failed && { failed }), canChange } };
  }

  return {
    make({ self, messages, peer, pending, isUnderWay }) {
      const next = new Map<string, Made>();
      for (const message of messages) {
        const one = rowOf(message, message.from, message.from === self ? sentState(message.seq, peer) : "received");
        next.set(one.row.key, one);
      }
      for (const { row, stage } of pending) {
        const state = row.failed
          ? "failed"
          : stage === "keeping"
            ? "keeping"
            : isUnderWay(row.id)
              ? "sending"
              : "queued";
        const one = rowOf(row, self, state);
        // Its message is there already, written by another tab.
        if (!next.has(one.row.key)) next.set(one.row.key, one);
      }
      made = next;
      const list = [...next.values()].map((one) => one.row);
      if (list.length !== rows.length || list.some((row, at) => row !== rows[at])) rows = list;
      return rows;
    },
  };
}

export const noMarks: Marks = { delivered: 0, read: 0 };

/** The marks of the other user: none in a conversation with oneself, whatever an older server has stored. */
export const peerMarks = (row: ConversationRow | null, self: string): Marks =>
  row === null || row.with === self ? noMarks : row.peer;

export const sentState = (seq: number, peer: RowSource["peer"]): MessageState =>
  seq <= peer.read ? "read" : seq <= peer.delivered ? "delivered" : "accepted";
