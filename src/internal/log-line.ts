import type { LogRecord } from "@logtape/logtape";

/** A text in a log line; longer ones end in "…". */
const textCharsMax = 256;
/** Only this much of a text is scrubbed: a long text of a client must not make logging expensive. */
const scrubCharsMax = 4_096;
const depthMax = 4;
const entriesMax = 32;
const stackLinesMax = 8;

/** Property names that never show their value, anywhere in the name; lower case, without `-` and `_`. */
const secretParts = /token|authorization|cookie|secret|password|passwd|apikey|privatekey|ticket|credential/;
const secretNames = ["text", "body", "endpoint"];
const redacted = "[redacted]";

/** Secrets by their looks, wherever they turn up: JWTs, bearer tokens, `user:password@`, query parameters with secrets. */
const scrubs: readonly (readonly [RegExp, string])[] = [
  [/\beyJ[\w-]{8,}(\.[\w-]*){0,4}/g, redacted],
  [/\b(bearer|basic) +[\w.~+/=-]+/gi, `$1 ${redacted}`],
  [/:\/\/[^\s/@"']*@/g, `://${redacted}@`],
  [/([?&;][\w-]*(token|ticket|secret|password|key|auth)[\w-]*=)[^\s&;"']*/gi, `$1${redacted}`],
];

/** What JSON leaves bare, but a terminal or another reader of lines takes for control, line end or direction. */
const unprintable = /[\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/** Names that an event cannot take; a property of such a name gets a `_` in front. */
const reserved = ["time", "level", "category", "message"];

/**
 * An event as one line of JSON, without a line end: `{time, level, category, message, …properties}`.
 *
 * `message` is the template as the program wrote it; the values are properties, and the names of these show which values must not be
 * written. Names that speak of tokens, cookies, secrets, passwords, tickets, or are `text`, `body` or `endpoint`
 * show `[redacted]`; a `url` shows its path only; whatever looks like a token or a password is taken out of every text. Texts are cut at
 * 256 UTF-16 code units, lists and objects at 32 entries and 4 levels. Control, line-end and direction characters are escaped.
 *
 * @example
 * formatLine(record) // {"time":"2026-01-01T00:00:00.000Z","level":"info","category":"tidings.http","message":"Listening","port":6662}
 */
export function formatLine(record: LogRecord): string {
  const event = Object.create(null) as Record<string, unknown>;
  event["time"] = new Date(record.timestamp).toISOString();
  event["level"] = record.level;
  event["category"] = record.category.join(".");
  const { rawMessage } = record;
  event["message"] = textOf(typeof rawMessage === "string" ? rawMessage : rawMessage.join("{}"));
  for (const [name, value] of entriesOf(record.properties)) {
    event[reserved.includes(name) ? `_${name}` : textOf(name)] = valueOf(name, value, 1);
  }
  return JSON.stringify(event).replace(unprintable, escape);
}

const escape = (char: string): string => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;

function textOf(text: string): string {
  let safe = text.slice(0, scrubCharsMax);
  for (const [secret, replacement] of scrubs) safe = safe.replace(secret, replacement);
  return safe.length > textCharsMax || text.length > scrubCharsMax ? `${safe.slice(0, textCharsMax)}…` : safe;
}

/** The value as the log may show it; an object that throws when looked at must not cost the event. */
function valueOf(name: string, value: unknown, depth: number): unknown {
  try {
    return plainOf(name, value, depth);
  } catch {
    return "[unreadable]";
  }
}

function plainOf(name: string, value: unknown, depth: number): unknown {
  if (value === undefined) return undefined;
  const plain = name.toLowerCase().replace(/[-_]/g, "");
  if (secretParts.test(plain) || secretNames.includes(plain)) return redacted;
  if (typeof value === "string") return textOf(/ur[il]$/.test(plain) ? pathOf(value) : value);
  if (typeof value === "bigint") return value.toString();
  if (typeof value === "number" || typeof value === "boolean" || value === null) return value;
  if (typeof value !== "object") return `[${typeof value}]`;
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? "[Date]" : value.toISOString();
  if (value instanceof URL) return textOf(pathOf(value.href));
  if (depth > depthMax) return "[deep]";
  if (value instanceof Error) return errorOf(value, depth);
  if (Array.isArray(value)) return value.slice(0, entriesMax).map((entry) => valueOf(name, entry, depth + 1));
  const prototype: unknown = Object.getPrototypeOf(value);
  // Requests, sockets, maps, bytes: any part of them may be secret.
  if (prototype !== Object.prototype && prototype !== null) return Object.prototype.toString.call(value);
  const copy = Object.create(null) as Record<string, unknown>;
  for (const [key, entry] of entriesOf(value)) copy[textOf(key)] = valueOf(key, entry, depth + 1);
  return copy;
}

function errorOf(error: Error, depth: number): Record<string, unknown> {
  const code: unknown = "code" in error ? error.code : undefined;
  const frames = (error.stack ?? "").split("\n").filter((line) => /^\s+at /.test(line));
  return {
    name: textOf(error.name),
    ...((typeof code === "string" || typeof code === "number") && { code: valueOf("code", code, depth) }),
    message: textOf(error.message),
    stack: frames.slice(0, stackLinesMax).map((line) => textOf(line.trim())),
    ...(error.cause !== undefined && { cause: valueOf("cause", error.cause, depth + 1) }),
  };
}

/** The first entries of an object, also of one with a getter that throws. */
function entriesOf(object: object): [string, unknown][] {
  return Object.keys(object)
    .slice(0, entriesMax)
    .map((key) => {
      try {
        return [key, Reflect.get(object, key)];
      } catch {
        return [key, "[unreadable]"];
      }
    });
}

/** The path of a URL, absolute or not: host, user, query and fragment may each hold a secret. */
const pathOf = (url: string): string => (URL.canParse(url) ? new URL(url).pathname : (url.split(/[?#]/, 1)[0] ?? ""));
