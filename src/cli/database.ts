import type { Engine } from "../store/engine/engine.ts";
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

/** Opens the database for one use, and closes it whatever comes. */
export async function withEngine<T>(place: DatabasePlace, use: (engine: Engine) => Promise<T>): Promise<T> {
  const authToken = place["auth-token"] ?? process.env["DATABASE_AUTH_TOKEN"];
  const engine = openEngine(authToken ? { url: place.database, authToken } : { url: place.database });
  try {
    return await use(engine);
  } finally {
    await engine.close();
  }
}
