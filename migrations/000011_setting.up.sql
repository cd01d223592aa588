-- A mute is an entry of the log, so that every device of its user gets it; a mute that was ended keeps its row, with the time 0.
-- n: the change number at which it last changed; 0: not since this is stored.
ALTER TABLE tidings_mute ADD COLUMN n INTEGER NOT NULL DEFAULT 0;
-- How many times it has changed: of two answers with one, the newer has the greater number.
ALTER TABLE tidings_mute ADD COLUMN version INTEGER NOT NULL DEFAULT 0;
CREATE INDEX tidings_mute_user ON tidings_mute (user, n) WHERE n > 0;
CREATE INDEX tidings_mute_n ON tidings_mute (n) WHERE n > 0;
