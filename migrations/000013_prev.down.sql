DROP TRIGGER tidings_conversation_period;
DROP TRIGGER tidings_message_prev;
DROP INDEX tidings_conversation_high_period;
DROP INDEX tidings_conversation_low_period;
ALTER TABLE tidings_conversation DROP COLUMN period;
DROP INDEX tidings_message_mark;
DROP INDEX tidings_message_place;
ALTER TABLE tidings_message DROP COLUMN prev;
