import type { FeedCounts } from "../feed/feed.ts";
import type { Session } from "../model.ts";
import type { Trouble } from "../store/store.ts";
import type { Database } from "./database.ts";

/** A database that stays open until it is released. */
export type DatabaseHandle = { readonly database: Database; readonly release: () => void };

/** A chat's databases: one for all tenants, or one for each. A tenant that cannot be served is refused by a rejection. */
export interface Databases {
  /** Resolves once the chat can serve; rejects with the ChatError that prevents it, at once or after the time for a start. */
  ready(): Promise<void>;
  /** Whether it is open; waits for the end of a try under way. */
  isOpen(): Promise<boolean>;
  /** Why the chat as a whole cannot serve now; null: it can. */
  trouble(): Trouble | "starting" | null;
  /** The tenant's database, for one request. */
  lease(tenant: string): Promise<DatabaseHandle>;
  /** The tenant's database, for a socket that is about to open. */
  admit(tenant: string): Database | Promise<Database>;
  /** The same, once the socket is open. Throws where it was closed meanwhile. */
  connect(tenant: string): Database;
  /** Makes a ticket of a secret. */
  ticketOf(secret: string, tenant: string): string;
  /** The session of a ticket, which is used up by this; null where the ticket is not valid. */
  useTicket(ticket: string): Promise<Session | null>;
  /** Closes all of them; resolves within the time. */
  close(deadlineMs: number): Promise<void>;
  /** Since each was opened: commits that were applied as they came, and stretches of the log that were read in their place. */
  counts(): FeedCounts;
  /** Sizes of the state in memory; null: no database is open yet. */
  sizes(): Readonly<Record<string, number>> | null;
}
