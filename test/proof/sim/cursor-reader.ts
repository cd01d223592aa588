import { systemRandom } from "../../../src/internal/random.ts";
import { createCursors, type Cursors } from "../../../src/protocol/cursor.ts";

/** The secret of the cursors of every simulated database. */
export const simulatedSecret = "5".repeat(64);

/** The name of every world's first history. */
export const firstEpoch = "simulation";

const cursorsOf = new Map<string, Cursors>();

/** Reads a cursor as only a server can: its history, out of the known ones, and its position. Null: it is of none of them. */
export function readCursor(
  text: string,
  epochs: Iterable<string>,
): { readonly epoch: string; readonly n: number } | null {
  for (const epoch of [firstEpoch, ...epochs]) {
    const cursors = cursorsOf.get(epoch) ?? createCursors({ secret: simulatedSecret, epoch, random: systemRandom });
    cursorsOf.set(epoch, cursors);
    const position = cursors.decode(text);
    if (position) return { epoch, n: position.n };
  }
  return null;
}
