-- Where a device's sync goes on, where that is not what it acked: the list of undelivered messages leaves out what the user did on other
-- devices, so confirming it moves acked alone. NULL: both are the same.
ALTER TABLE tidings_device ADD COLUMN synced INTEGER;
