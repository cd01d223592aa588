import { systemRandom } from "../../../src/internal/random.ts";
import { createCursors, type Cursors } from "../../../src/protocol/cursor.ts";

/** What hides the numbers in the cursors of every simulated database. */
export const simulatedSecret = "5".repeat(64);

/** The name of the history that every world begins with. */
export const firstEpoch = "simulation";

const cursorsOf = new Map<string, Cursors>();

/** What only a server can read: of which history a cursor is, out of those that there are, and up to where. Null: of none of them. */
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
