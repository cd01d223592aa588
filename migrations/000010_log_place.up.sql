-- Durable places in the log, of those who follow it on behalf of the host: everything up to n was handled. Of several nodes one holds a
-- place at a time. Its holder makes beat grow; one that no longer does is taken over from. A node of an older release does not know the table,
-- and goes on working.
CREATE TABLE tidings_log_place (
  name TEXT PRIMARY KEY,
  holder TEXT NOT NULL,
  beat INTEGER NOT NULL,
  n INTEGER NOT NULL
) WITHOUT ROWID;
