DROP TABLE quiet_hours;
DROP TABLE mute;
DROP TABLE push_worker;
DROP TABLE push_log;
DROP TABLE push_notice;
DROP TABLE push_address;
ALTER TABLE device DROP COLUMN notify;
