import { sha256 } from "../../internal/sha256.ts";
import type { Migration } from "./migration.ts";

const known = new WeakMap<Migration, Promise<string>>();

/**
 * SHA-256 of a migration's `.up.sql`, in hex, as `sha256sum` prints it. The way down is left out, so that a wrong one can
 * still be corrected. Line ends count as LF, even if a checkout has changed them.
 */
export function hashOf(migration: Migration): Promise<string> {
  const hash = known.get(migration) ?? sha256(migration.up.replaceAll("\r\n", "\n"));
  known.set(migration, hash);
  return hash;
}
