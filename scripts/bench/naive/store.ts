import Database from "libsql";

export type NaiveSend = {
  readonly id: string;
  readonly from: string;
  readonly to: string;
  readonly text: string;
};

export type NaiveMessage = NaiveSend & {
  readonly n: number;
  readonly conversation: string;
  readonly seq: number;
  readonly time: number;
  readonly duplicate: boolean;
};

export const naiveSchema = `
CREATE TABLE message (
  n INTEGER PRIMARY KEY,
  conversation TEXT NOT NULL,
  seq INTEGER NOT NULL,
  id TEXT NOT NULL,
  sender TEXT NOT NULL,
  recipient TEXT NOT NULL,
  text TEXT NOT NULL,
  time INTEGER NOT NULL
);
CREATE UNIQUE INDEX message_conversation ON message (conversation, seq);
CREATE UNIQUE INDEX message_id ON message (id);
CREATE INDEX message_recipient ON message (recipient, n);
CREATE TABLE ack (user TEXT PRIMARY KEY, n INTEGER NOT NULL) WITHOUT ROWID;`;

const columns = "n, conversation, seq, id, sender, recipient, text, time";

type Row = Record<string, string & number>;

export const naiveConversation = (one: string, other: string): string =>
  one < other ? `${one} ${other}` : `${other} ${one}`;

/** A chat log as one writes it on the first day: one table, three indexes, a prepared statement for each row. */
export class NaiveStore {
  private readonly database: Database.Database;
  private readonly insert;
  private readonly first;
  private readonly upsertAck;
  private readonly selectAck;
  private readonly selectPage;

  constructor(path: string) {
    const database = new Database(path);
    this.database = database;
    // As Tidings has them: the same promise, and the same memory.
    for (const pragma of ["journal_mode = WAL", "synchronous = FULL", "cache_size = -65536"])
      database.exec(`PRAGMA ${pragma}`);
    if (database.prepare("SELECT 1 FROM sqlite_master WHERE name = 'message'").all().length === 0)
      database.exec(naiveSchema);
    this.insert = database.prepare(
      `INSERT INTO message (conversation, seq, id, sender, recipient, text, time)
        VALUES (?1, (SELECT coalesce(max(seq), 0) + 1 FROM message WHERE conversation = ?1), ?2, ?3, ?4, ?5, ?6)
        ON CONFLICT (id) DO NOTHING RETURNING n, seq, time`,
    );
    this.first = database.prepare("SELECT n, seq, time FROM message WHERE id = ?1");
    this.upsertAck = database.prepare(
      "INSERT INTO ack (user, n) VALUES (?1, ?2) ON CONFLICT (user) DO UPDATE SET n = max(n, excluded.n)",
    );
    this.selectAck = database.prepare("SELECT n FROM ack WHERE user = ?1");
    this.selectPage = database.prepare(
      `SELECT ${columns} FROM message WHERE recipient = ?1 AND n > ?2 ORDER BY n LIMIT ?3`,
    );
  }

  /** One commit. When it returns, everything in it is on disk; after an error the process must end. */
  commit(sends: readonly NaiveSend[], acks: ReadonlyMap<string, number>): NaiveMessage[] {
    const now = Date.now();
    this.database.exec("BEGIN IMMEDIATE");
    const stored = sends.map((send) => {
      const { id, from, to, text } = send;
      const conversation = naiveConversation(from, to);
      // all(), because run() leaves a statement that returns rows open.
      const [inserted] = this.insert.all(conversation, id, from, to, text, BigInt(now)) as Row[];
      const { n = 0, seq = 0, time = now } = inserted ?? (this.first.all(id) as Row[])[0] ?? {};
      return { ...send, n, conversation, seq, time, duplicate: inserted === undefined };
    });
    for (const [user, n] of acks) this.upsertAck.run(user, BigInt(n));
    this.database.exec("COMMIT");
    return stored;
  }

  acked(user: string): number {
    return (this.selectAck.all(user) as Row[])[0]?.["n"] ?? 0;
  }

  /** What waits for a user after a position, in order. */
  page(user: string, after: number, limit: number): NaiveMessage[] {
    return (this.selectPage.all(user, BigInt(after), BigInt(limit)) as Record<string, string & number>[]).map(
      ({ sender = "", recipient = "", ...row }) =>
        ({ ...row, from: sender, to: recipient, duplicate: false }) as unknown as NaiveMessage,
    );
  }

  /** Sets a pragma of the connection. */
  pragma(setting: string): void {
    this.database.prepare(`PRAGMA ${setting}`).all();
  }
}
