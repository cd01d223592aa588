/** Whether two rows say the same, whatever the order of their fields. */
export function isSameRow(a: object, b: object | null | undefined): boolean {
  const text = (row: object): string =>
    JSON.stringify(Object.entries(row).sort(([one], [other]) => (one < other ? -1 : 1)));
  return a === b || (b !== null && b !== undefined && text(a) === text(b));
}

/** The row that is known, if the other one says the same: the same object is not rendered again. */
export const sameOr = <Row extends object>(known: Row | undefined, row: Row): Row =>
  known !== undefined && isSameRow(row, known) ? known : row;
