DROP TABLE tidings_quiet_hours;
DROP TABLE tidings_mute;
DROP TABLE tidings_push_worker;
DROP TABLE tidings_push_log;
DROP TABLE tidings_push_notice;
DROP TABLE tidings_push_address;
ALTER TABLE tidings_device DROP COLUMN notify;
