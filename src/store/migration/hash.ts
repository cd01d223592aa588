import type { Migration } from "./migration.ts";

const known = new WeakMap<Migration, Promise<string>>();

/**
 * SHA-256 of what a migration does upwards, in hex: what `sha256sum` says of its `.up.sql`. The way down is left
 * out, so that a wrong one can still be mended. Line ends count as LF, whatever a checkout made of them.
 */
export function hashOf(migration: Migration): Promise<string> {
  const hash = known.get(migration) ?? digestOf(migration);
  known.set(migration, hash);
  return hash;
}

async function digestOf(migration: Migration): Promise<string> {
  const text = new TextEncoder().encode(migration.up.replaceAll("\r\n", "\n"));
  const digest = await crypto.subtle.digest("SHA-256", text);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
