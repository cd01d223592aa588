import { identifierRule, isIdentifier } from "../protocol/identifier.ts";

/** The fault of a name, the user's own or the recipient's; empty: it is right. */
export function validateName(name: string, self = ""): string {
  if (name === self) return "One cannot write to oneself";
  return isIdentifier(name) ? "" : `A name is ${identifierRule}`;
}
