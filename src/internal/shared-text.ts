/**
 * Remembers the last text, and returns that one for an equal text: maps and objects that keep it one after the other then take its memory once.
 *
 * @example
 * const share = createSharedText();
 * share(["acme", "alice"].join(" "));
 */
export function createSharedText(): (text: string) => string {
  let last = "";
  return (text) => {
    if (text !== last) last = text;
    return last;
  };
}
