-- What a user has said of another: that they are a contact, or blocked. A row says what holds now, and what no longer
-- does too: n is the change number at which it last changed, so that every device of the user learns of it.
CREATE TABLE relation (
  user INTEGER NOT NULL,
  other INTEGER NOT NULL,
  contact INTEGER NOT NULL DEFAULT 0,
  blocked INTEGER NOT NULL DEFAULT 0,
  n INTEGER NOT NULL,
  PRIMARY KEY (user, other)
) WITHOUT ROWID;
CREATE INDEX relation_user ON relation (user, n);
CREATE INDEX relation_n ON relation (n);

-- When a user was last connected, in milliseconds since the Unix epoch, rounded down to the minute.
CREATE TABLE seen (
  user INTEGER PRIMARY KEY,
  time INTEGER NOT NULL
);
