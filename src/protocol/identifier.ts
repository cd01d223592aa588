/** The form of ids; `.` and `..` match it and are not ids. */
export const identifierForm = /^[A-Za-z0-9+\-_.@:~|]{1,128}$/;
/** The same for readers of errors. */
export const identifierRule = "1 to 128 characters of A–Z a–z 0–9 + - _ . @ : ~ |, and neither . nor ..";
/** The device of a client that names none: enough for only one installation of a user. */
export const defaultDevice = "default";

/** In a path of a URL these are steps, and every parser folds them, percent-encoded or not (WHATWG URL, RFC 3986 section 5.2.4). */
export const folded: readonly string[] = [".", ".."];
export const messageIdForm = /^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}$/;
export const storedMessageIdForm = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** One of these among ids with commas between them, as JSON Schema. */
export const foldedAmong = "(^|,)\\.{1,2}(,|$)";

/** The form of tenant, user or device ids with commas between them: from one to `most`. */
export const identifiersForm = (most: number): RegExp => listForm(identifierForm, most);

/** The form of message ids with commas between them: from one to `most`. */
export const messageIdsForm = (most: number): RegExp => listForm(messageIdForm, most);

function listForm({ source }: RegExp, most: number): RegExp {
  const one = source.slice(1, -1);
  return new RegExp(`^${one}(,${one}){0,${most - 1}}$`);
}

/**
 * Is this a tenant, user or device id: 1–128 characters of `A–Z a–z 0–9 + - _ . @ : ~ |`, and neither `.` nor `..` (PROTOCOL 1)?
 *
 * All of them are single bytes that no encoding, case mapping or normalisation changes, so ids compare byte by byte. The ids of identity providers
 * fit (`auth0|5f7c8ec7c33c6c004bbafe82`); text that the path of a URL cannot carry is not an id.
 *
 * @example
 * isIdentifier("+249912345678") // true
 * isIdentifier("auth0|5f7c")    // true
 * isIdentifier("zoë")           // false
 * isIdentifier("..")            // false
 */
export const isIdentifier = (value: unknown): value is string =>
  typeof value === "string" && identifierForm.test(value) && !folded.includes(value);

/**
 * Why this is not an id: the rule that it breaks and the position, with at most one of its characters, for the log.
 *
 * @returns null if it is an id.
 *
 * @example
 * validateIdentifier("zoë")  // "character 3 is U+00EB, which no id has"
 * validateIdentifier("..")   // '"." and ".." are no ids'
 */
export function validateIdentifier(value: unknown): string | null {
  if (isIdentifier(value)) return null;
  if (typeof value !== "string") return `it is no string but ${value === null ? "null" : typeof value}`;
  if (value === "") return "it is empty";
  if (folded.includes(value)) return '"." and ".." are no ids';
  if (value.length > identifierCharsMax)
    return `it has ${value.length} characters, an id has at most ${identifierCharsMax}`;
  const place = value.search(notIdentifier);
  const code = value.codePointAt(place) ?? 0;
  const shown = /^[!-~]$/.test(String.fromCodePoint(code)) ? ` ${JSON.stringify(String.fromCodePoint(code))}` : "";
  return `character ${place + 1} is U+${code.toString(16).toUpperCase().padStart(4, "0")}${shown}, which no id has`;
}

const identifierCharsMax = 128;
const notIdentifier = /[^A-Za-z0-9+\-_.@:~|]/u;

/**
 * Is this a message id: a UUID in its canonical form (RFC 9562 section 4), of any version, in upper or lower case?
 *
 * @example
 * isMessageId("01900000-0000-7000-8000-000000000001") // true
 * isMessageId("01900000-0000-7000-8000-00000000000A") // true: the id that ends in `a`, see `storedMessageId`
 */
export const isMessageId = (value: unknown): value is string => typeof value === "string" && messageIdForm.test(value);

/**
 * A message id as it is stored and compared: in lower case. RFC 9562 has UUIDs read in either case; Swift writes upper case.
 * Answers to a send have its id as it was sent, so that the sender finds its message.
 *
 * @example
 * storedMessageId("01900000-0000-7000-8000-00000000000A") // "01900000-0000-7000-8000-00000000000a"
 */
export const storedMessageId = (id: string): string => id.toLowerCase();
