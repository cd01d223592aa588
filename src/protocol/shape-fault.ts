import * as v from "valibot";

/** The name of a fault's place, for an error text. A name from a client is repeated only if it is harmless. */
export const atName = (name: string | null): string => (name !== null && /^\w{1,64}$/.test(name) ? ` at ${name}` : "");

/**
 * The fault of a value that does not fit its schema, to follow "… is malformed": its path, and, if known, its reason. Repeats
 * nothing from the client except a harmless name.
 *
 * @example
 * shapeFault(issue) // " at id: it is missing"
 */
export function shapeFault(issue: v.BaseIssue<unknown>): string {
  const place = atName(v.getDotPath(issue));
  const reason = reasonOf(issue);
  return reason === null ? place : `${place}: ${reason}`;
}

function reasonOf({ kind, type, expected, received, message }: v.BaseIssue<unknown>): string | null {
  if (type === "strict_object" && expected === "never") return "there is no such field";
  if (type === "strict_object" && received === "undefined") return "it is missing";
  // Our own text, if the schema has one: valibot's texts begin with "Invalid", and repeat the client's value.
  if (kind === "validation" && !message.startsWith("Invalid ")) return message;
  return null;
}
