-- Whose sessions were ended: it stands in the log, so that every node learns of it, however it learns of anything.
CREATE TABLE tidings_revocation (
  n INTEGER PRIMARY KEY,
  user INTEGER NOT NULL,
  -- NULL: on every device.
  device TEXT,
  reason TEXT NOT NULL,
  time INTEGER NOT NULL
);
CREATE INDEX tidings_revocation_time ON tidings_revocation (time);
