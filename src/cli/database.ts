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
  "auth-token": {
    type: "string",
    description: "Token for a remote database, also from DATABASE_AUTH_TOKEN",
  },
} as const;

export type DatabasePlace = { readonly database: string; readonly "auth-token"?: string | undefined };

function open(place: DatabasePlace): Engine {
  const authToken = place["auth-token"] ?? process.env["DATABASE_AUTH_TOKEN"];
  return openEngine(authToken ? { url: place.database, authToken } : { url: place.database });
}

/** Opens a database for one task, and closes it also after a failure. Creates the file if it is missing. */
export const withEngine = async <T>(place: DatabasePlace, use: (engine: Engine) => Promise<T>): Promise<T> =>
  await using(open(place), use);

/** The same for a database that exists. A missing file is an error and is not created: its name was probably misspelt. */
export async function withExisting<T>(place: DatabasePlace, use: (engine: Engine) => Promise<T>): Promise<T> {
  requireFile(place);
  return await withEngine(place, use);
}

/** The same for reading only: also a file that a server has open. */
export async function withReader<T>(place: DatabasePlace, use: (engine: Engine) => Promise<T>): Promise<T> {
  requireFile(place);
  return await using(openToRead(place), use);
}

function requireFile({ database }: DatabasePlace): void {
  if (!/^file:/i.test(database)) return;
  const path = pathOfFileUrl(database);
  if (!existsSync(path))
    throw new ChatError(
      "config_invalid",
      `There is no database file ${path}: name yours with --database file:chat.db, or DATABASE_URL`,
    );
}

function openToRead(place: DatabasePlace): Engine {
  try {
    return open(place);
  } catch (error) {
    if (error instanceof ChatError && error.code === "database_locked")
      return createObserverEngine({ url: place.database });
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
