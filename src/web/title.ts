/** What a conversation is called: by the other user, or as notes where it is with oneself. */
export const titleOf = (peer: string, self: string): string => (peer === self ? "Note to self" : peer);
