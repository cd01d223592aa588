/**
 * An encoded subject, in bytes. Five identifiers of the longest kind fit, even if each of their characters is escaped; and with a prefix it
 * is well below the 4 096 bytes of a line that a NATS server takes (`max_control_line`).
 */
export const subjectBytesMax = 2_048;

const plain = /^[A-Za-z0-9_-]+$/;
const notPlain = /[^A-Za-z0-9_-]/gu;
const encoder = new TextEncoder();

/**
 * A subject as one text of `A–Z a–z 0–9 - _ =`, its parts joined by dots: every other byte of their UTF-8 is `=` and two hexadecimal
 * digits. Two subjects never have the same text, and none has a wildcard or a blank: NATS distinguishes them as we do.
 *
 * @returns null where the subject cannot be carried: it has no parts, an empty or an ill-formed one, or is too long.
 *
 * @example
 * encodeSubject(["user", "acme", "al.ice"]) // "user.acme.al=2Eice"
 */
export function encodeSubject(subject: readonly string[]): string | null {
  if (subject.length === 0) return null;
  const parts: string[] = [];
  for (const part of subject) {
    if (part === "" || part.length > subjectBytesMax || !part.isWellFormed()) return null;
    parts.push(plain.test(part) ? part : part.replace(notPlain, escape));
  }
  const text = parts.join(".");
  return text.length > subjectBytesMax ? null : text;
}

function escape(char: string): string {
  let text = "";
  for (const byte of encoder.encode(char)) text += `=${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  return text;
}
