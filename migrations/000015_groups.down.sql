DROP TABLE tidings_group_invite;
DROP TABLE tidings_mention;
DROP TABLE tidings_group_member;
DROP TABLE tidings_group;
DROP TRIGGER tidings_conversation_changed;
DROP INDEX tidings_conversation_changed;
ALTER TABLE tidings_conversation DROP COLUMN changed;
ALTER TABLE tidings_message DROP COLUMN mentions;
ALTER TABLE tidings_message DROP COLUMN event;
