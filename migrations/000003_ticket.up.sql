-- One-use tickets for the upgrade: only their SHA-256, and whose they are. Whoever deletes the row has used it.
CREATE TABLE ticket (
  hash TEXT PRIMARY KEY,
  user INTEGER NOT NULL,
  expires INTEGER NOT NULL,
  -- When the session that bought it ends; NULL: it does not.
  session_expires INTEGER
) WITHOUT ROWID;
CREATE INDEX ticket_user ON ticket (user);
CREATE INDEX ticket_expires ON ticket (expires);
