DROP INDEX tidings_device_seen;
