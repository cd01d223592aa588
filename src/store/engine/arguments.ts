import type { Value } from "./engine.ts";

/** A value that both drivers bind: an integer as SQL's INTEGER, any other number as REAL. */
export type Argument = string | number | bigint | null;

/**
 * Both drivers bind every JavaScript number as REAL: 5 would be stored in a TEXT column as "5.0", and `?1 / 2`
 * would be 2.5. And `libsql` ends the whole process on a boolean. So integers are bound as bigint, and everything
 * that is not a `Value` throws here.
 */
export function toArguments(values: readonly Value[] | undefined): Argument[] {
  if (values === undefined) return [];
  return values.map(toArgument);
}

function toArgument(value: Value): Argument {
  if (typeof value === "string" || value === null) return value;
  if (typeof value === "number") {
    if (Number.isSafeInteger(value)) return BigInt(value);
    if (Number.isFinite(value) && !Number.isInteger(value)) return value;
    throw new TypeError(`A number in SQL is finite, an integer below 2^53, got ${value}`);
  }
  throw new TypeError(`An argument of SQL is a string, a number or null, got ${typeof value}`);
}
