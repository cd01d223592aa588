import Database from "libsql";
import type { Sighting } from "../checker/checker.ts";

/** Reads the database through a connection of its own, which sees only committed rows. */
export function openObserver(file: string) {
  const database = new Database(file, { readonly: true });
  const place = database.prepare(
    `SELECT count(*) AS count FROM tidings_message m JOIN tidings_user u ON u.key = m.sender WHERE m.id = ? AND u.id = ? AND m.seq = ?`,
  );
  const history = database.prepare(
    `SELECT m.conversation, m.seq, m.id, s.id AS sender, m.text FROM tidings_message m JOIN tidings_user s ON s.key = m.sender
     WHERE m.sender = (SELECT key FROM tidings_user WHERE id = ?1) OR m.recipient = (SELECT key FROM tidings_user WHERE id = ?1)
     ORDER BY m.n`,
  );
  const count = database.prepare(
    `SELECT count(*) AS count FROM tidings_message WHERE ?1 IN (SELECT id FROM tidings_user WHERE key IN (sender, recipient))`,
  );
  type Row = { conversation: number; seq: number; id: string; sender: string; text: string };
  return {
    has: (from: string, id: string, seq: number): boolean =>
      (place.all(id, from, seq)[0] as { count: number }).count === 1,
    /** How many messages are this user's. */
    countOf: (user: string): number => (count.all(user)[0] as { count: number }).count,
    /** The messages that a fresh device of this user would read from the beginning. */
    historyOf: (user: string): Sighting[] =>
      (history.all(user) as Row[]).map(({ conversation, seq, id, sender, text }) => ({
        ...{ conversation: `c${conversation.toString(36)}`, seq, id, from: sender, text },
      })),
    close: (): void => void database.close(),
  };
}
