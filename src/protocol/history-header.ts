/** In every answer that the store has a part in: the name of the history that it is of, as `welcome.history` names it (section 5). */
export const historyHeader = "Tidings-History";
