/** The users who must get an entry of two users, or of one where both are the same: notes to oneself. */
export const usersOfPair = (one: string, other: string): readonly string[] => (one === other ? [one] : [one, other]);
