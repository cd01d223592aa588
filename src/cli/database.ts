import { existsSync } from "node:fs";
import { ChatError } from "../error.ts";
import { pathOfFileUrl } from "../store/engine/database-file.ts";
import type { Engine } from "../store/engine/engine.ts";
import { createObserverEngine } from "../store/engine/observer.ts";
import { openEngine } from "../store/engine/open.ts";

/** The arguments that name a database. */
export const databaseArgs = {
  database: {
    type: "string",
    description: "file:chat.db or libsql://host, also from DATABASE_URL",
    default: process.env["DATABASE_URL"] || "file:tidings.db",
  },
  "auth-token": { type: "string", description: "Token for a remote database, also from DATABASE_AUTH_TOKEN" },
} as const;

export type DatabaseAddress = { readonly database: string; readonly "auth-token"?: string | undefined };

function open(address: DatabaseAddress): Engine {
  const authToken = address["auth-token"] ?? process.env["DATABASE_AUTH_TOKEN"];
  return openEngine(authToken ? { url: address.database, authToken } : { url: address.database });
}

/** Opens a database for one task, and closes it also after a failure. Creates the file if it is missing. */
export const withEngine = async <T>(address: DatabaseAddress, use: (engine: Engine) => Promise<T>): Promise<T> =>
  await using(open(address), use);

/** The same for a database that exists. A missing file is an error and is not created: its name was probably misspelt. */
export async function withExisting<T>(address: DatabaseAddress, use: (engine: Engine) => Promise<T>): Promise<T> {
  requireFile(address);
  return await withEngine(address, use);
}

/** The same for reading only: also a file that a server has open. */
export async function withReader<T>(address: DatabaseAddress, use: (engine: Engine) => Promise<T>): Promise<T> {
  requireFile(address);
  return await using(openToRead(address), use);
}

function requireFile({ database }: DatabaseAddress): void {
  if (!/^file:/i.test(database)) return;
  const path = pathOfFileUrl(database);
  if (!existsSync(path))
    throw new ChatError(
      "config_invalid",
      `There is no database file ${path}: name yours with --database file:chat.db, or DATABASE_URL`,
    );
}

function openToRead(address: DatabaseAddress): Engine {
  try {
    return open(address);
  } catch (error) {
    if (error instanceof ChatError && error.code === "database_locked")
      return createObserverEngine({ url: address.database });
    throw error;
  }
}

async function using<T>(engine: Engine, use: (engine: Engine) => Promise<T>): Promise<T> {
  try {
    return await use(engine);
  } finally {
    await engine.close();
  }
}
