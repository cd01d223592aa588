import { sha256 } from "../../internal/sha256.ts";
import type { Migration } from "./migration.ts";

const known = new WeakMap<Migration, Promise<string>>();

/**
 * SHA-256 of what a migration does upwards, in hex: what `sha256sum` says of its `.up.sql`. The way down is left
 * out, so that a wrong one can still be mended. Line ends count as LF, whatever a checkout made of them.
 */
export function hashOf(migration: Migration): Promise<string> {
  const hash = known.get(migration) ?? sha256(migration.up.replaceAll("\r\n", "\n"));
  known.set(migration, hash);
  return hash;
}
