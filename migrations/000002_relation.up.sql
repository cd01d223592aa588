-- What a user has said of another: that they are a contact, or blocked. A row says what holds now, and what no longer
-- does too: n is the change number at which it last changed, so that every device of the user learns of it.
CREATE TABLE tidings_relation (
  user INTEGER NOT NULL,
  other INTEGER NOT NULL,
  contact INTEGER NOT NULL DEFAULT 0,
  blocked INTEGER NOT NULL DEFAULT 0,
  n INTEGER NOT NULL,
  PRIMARY KEY (user, other)
) WITHOUT ROWID;
CREATE INDEX tidings_relation_user ON tidings_relation (user, n);
CREATE INDEX tidings_relation_n ON tidings_relation (n);

-- When a user was last connected, in milliseconds since the Unix epoch, rounded down to the minute.
CREATE TABLE tidings_seen (
  user INTEGER PRIMARY KEY,
  time INTEGER NOT NULL
);
