ALTER TABLE tidings_device DROP COLUMN level;
ALTER TABLE tidings_head DROP COLUMN level;
