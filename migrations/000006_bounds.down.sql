ALTER TABLE tidings_relation DROP COLUMN hidden;
ALTER TABLE tidings_device DROP COLUMN seen;
ALTER TABLE tidings_message DROP COLUMN other_seq;
