import { identifierRule, isIdentifier } from "../protocol/identifier.ts";

/** The fault of a name, the user's own or the recipient's; empty: it is right. */
export const validateName = (name: string): string => (isIdentifier(name) ? "" : `A name is ${identifierRule}`);
