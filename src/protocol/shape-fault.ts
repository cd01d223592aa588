import * as v from "valibot";

/** A name that a client made up is repeated only where it is harmless. */
const harmless = /^\w{1,64}$/;

/**
 * What is wrong with something that does not fit its schema, to stand behind "… is malformed": where, and, as far as it can be said, why. Repeats
 * nothing of what a client sent but a harmless name.
 *
 * @example
 * shapeFault(issue) // " at id: it is missing"
 */
export function shapeFault(issue: v.BaseIssue<unknown>): string {
  const path = v.getDotPath(issue);
  const place = path !== null && harmless.test(path) ? ` at ${path}` : "";
  const reason = reasonOf(issue);
  return reason === null ? place : `${place}: ${reason}`;
}

function reasonOf({ kind, type, expected, received, message }: v.BaseIssue<unknown>): string | null {
  if (type === "strict_object" && expected === "never") return "there is no such field";
  if (type === "strict_object" && received === "undefined") return "it is missing";
  // A text of ours, where a schema has one: valibot's own begin so, and repeat what was sent.
  if (kind === "validation" && !message.startsWith("Invalid ")) return message;
  return null;
}
