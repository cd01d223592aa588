import type { Row } from "./engine/engine.ts";

/**
 * Reads of one column of a row. A column that its statement does not select, or that holds a value of another type, throws a TypeError: a
 * column that was renamed in the SQL alone fails the first test that reads it, instead of becoming `NaN` or `"undefined"`. Each function costs
 * one property access.
 *
 * @example
 * const deviceOf = (row: Row) => ({ device: text(row, "device"), acked: integer(row, "acked"), expires: integerOrNull(row, "expires") });
 */
export function integer(row: Row, column: string): number {
  const value = row[column];
  if (typeof value !== "number") throw mismatch(row, column, "an integer");
  return value;
}

export function integerOrNull(row: Row, column: string): number | null {
  const value = row[column];
  if (typeof value !== "number" && value !== null) throw mismatch(row, column, "an integer or null");
  return value;
}

export function text(row: Row, column: string): string {
  const value = row[column];
  if (typeof value !== "string") throw mismatch(row, column, "text");
  return value;
}

export function textOrNull(row: Row, column: string): string | null {
  const value = row[column];
  if (typeof value !== "string" && value !== null) throw mismatch(row, column, "text or null");
  return value;
}

/** Whether the column is 1. Null, as an outer join selects it, is false. */
export const flag = (row: Row, column: string): boolean => integerOrNull(row, column) === 1;

/** Names the type alone: a value may be a message or a push token, which belong into no log. */
function mismatch(row: Row, column: string, expected: string): TypeError {
  const value = row[column];
  const found = value === undefined ? "it was not selected" : value === null ? "it is null" : `it is a ${typeof value}`;
  return new TypeError(`Column ${column} must be ${expected}, but ${found}`);
}
