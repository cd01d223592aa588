-- What hides the numbers in cursors and in `next`: change numbers count the writes of all tenants. 32 bytes in hexadecimal; a copy of the
-- database has it too, so that its cursors stay good.
ALTER TABLE tidings_head ADD COLUMN secret TEXT;
UPDATE tidings_head SET secret = lower(hex(randomblob(32)));
