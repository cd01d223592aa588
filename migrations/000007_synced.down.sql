ALTER TABLE tidings_device DROP COLUMN synced;
