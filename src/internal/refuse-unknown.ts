import { ChatError, type ErrorCode } from "../error.ts";

const shownCharsMax = 64;

type Unknown = { readonly known: readonly string[]; readonly code: ErrorCode; readonly text: string };

/**
 * Refuses an object with a property that nothing reads, such as a misspelt `tenant`, which must not seem to count. Only own properties count: an
 * object may be of a class.
 *
 * @throws ChatError With `code`; `text`, followed by the property and a hint.
 *
 * @example
 * refuseUnknown({ tennant: "acme" }, { known: ["tenant"], code: "bad_request", text: "There is no field" });
 */
export function refuseUnknown(given: object, { known, code, text }: Unknown): void {
  const unknown = Object.keys(given).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  const [nearest] = known
    .map((name) => ({ name, distance: distanceOf(name.toLowerCase(), unknown.toLowerCase()) }))
    .toSorted((a, b) => a.distance - b.distance);
  const isNear = nearest !== undefined && nearest.distance <= Math.max(2, unknown.length / 3);
  const hint = isNear ? `did you mean ${nearest.name}?` : `there are ${known.join(", ")}`;
  throw new ChatError(code, `${text} ${JSON.stringify(unknown.slice(0, shownCharsMax))}: ${hint}`);
}

/** How many letters must be inserted, removed or replaced (Levenshtein); a prefix counts as one. */
function distanceOf(name: string, given: string): number {
  if (given.length > 2 && name.startsWith(given)) return 1;
  let row = Array.from({ length: name.length + 1 }, (_, i) => i);
  for (const [i, letter] of given.slice(0, shownCharsMax).split("").entries()) {
    const next = [i + 1];
    for (let j = 0; j < name.length; j++)
      next.push(Math.min((row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1, (row[j] ?? 0) + (name[j] === letter ? 0 : 1)));
    row = next;
  }
  return row[name.length] ?? 0;
}
