import type { Cursor } from "../model.ts";

const pattern = /^([a-z0-9]{8,16})\.(0|[1-9a-z][0-9a-z]{0,10})$/;

/** The wire's opaque form of a cursor: the epoch and the change number. */
export const encodeCursor = ({ epoch, n }: Cursor): string => `${epoch}.${n.toString(36)}`;

/** Reads a cursor back; null where this server cannot have made it. */
export function decodeCursor(text: string): Cursor | null {
  const [, epoch, digits] = pattern.exec(text) ?? [];
  if (epoch === undefined || digits === undefined) return null;
  const n = parseInt(digits, 36);
  return Number.isSafeInteger(n) ? { epoch, n } : null;
}
