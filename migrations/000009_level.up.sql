-- The highest level of entry that the log holds. What writes the first entry of a higher level raises it in the same transaction, so that a
-- node of an older release, which reads it with every head, stops before it passes what it cannot read.
ALTER TABLE tidings_head ADD COLUMN level INTEGER NOT NULL DEFAULT 1;

-- The level at which a device stored what it has acked: of what is of a higher level it was sent nothing.
ALTER TABLE tidings_device ADD COLUMN level INTEGER NOT NULL DEFAULT 1;
