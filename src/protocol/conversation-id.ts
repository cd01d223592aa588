const pattern = /^c[1-9a-z][0-9a-z]{0,10}$/;

/** The wire's opaque form of a conversation's key. */
export const encodeConversation = (key: number): string => `c${key.toString(36)}`;

/** Reads a conversation id back; null if this server cannot have made it. */
export function decodeConversation(id: string): number | null {
  if (!pattern.test(id)) return null;
  const key = parseInt(id.slice(1), 36);
  return Number.isSafeInteger(key) ? key : null;
}
