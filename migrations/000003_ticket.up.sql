-- One-use tickets for the upgrade: only their SHA-256, and whose they are. Whoever deletes the row has used it.
CREATE TABLE tidings_ticket (
  hash TEXT PRIMARY KEY,
  user INTEGER NOT NULL,
  expires INTEGER NOT NULL,
  -- When the session that bought it ends; NULL: it does not.
  session_expires INTEGER
) WITHOUT ROWID;
CREATE INDEX tidings_ticket_user ON tidings_ticket (user);
CREATE INDEX tidings_ticket_expires ON tidings_ticket (expires);
