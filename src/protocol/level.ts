/** The level of a client that asks for none, and of a cursor without one. `src/log` has the level of each kind of change. */
export const levelMin = 1;
