ALTER TABLE tidings_head DROP COLUMN secret;
