-- What statements would else have to count or walk for.

-- The newest place below this one of a message by somebody else than its sender; 0: there is none. A read mark is found by it with one
-- look-up. NULL: a message of before this was stored.
ALTER TABLE tidings_message ADD COLUMN other_seq INTEGER;

-- When a device was last seen, in milliseconds since the Unix epoch, written at most once an hour: of too many the one that was not seen
-- for longest goes. 0: not since this is noted.
ALTER TABLE tidings_device ADD COLUMN seen INTEGER NOT NULL DEFAULT 0;

-- Where a block is: the change number at which one between these two began. Marks that moved later are hidden behind it. It stays until
-- the row next changes, so that the commit that ends a block knows it. NULL: no block, or one of before this was stored.
ALTER TABLE tidings_relation ADD COLUMN hidden INTEGER;
