const greeting = /^Tidings is serving http:\/\/127\.0\.0\.1:\d+\/ \(database [\w:./~%-]+\)$/;
/** Control characters, marks of direction and other invisible ones, ends of lines and paragraphs. */
const unprintable = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;
const fields = ["time", "level", "category", "message"];

/** The lines of a server's output that are not one event each; the line for the person at the terminal may pass. */
export function linesThatAreNoEvent(output: string): readonly string[] {
  return output
    .split("\n")
    .filter((line, at, all) => (line !== "" || at < all.length - 1) && !greeting.test(line) && !isEvent(line));
}

function isEvent(line: string): boolean {
  if (unprintable.test(line)) return false;
  try {
    const event: unknown = JSON.parse(line);
    if (typeof event !== "object" || event === null) return false;
    // Only an attacker writes events that call themselves forged.
    return (
      fields.every((field) => typeof Reflect.get(event, field) === "string") &&
      Reflect.get(event, "message") !== "forged"
    );
  } catch {
    return false;
  }
}
