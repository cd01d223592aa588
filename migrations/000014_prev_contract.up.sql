-- Nodes of releases that know no `prev` need what goes here: run it once none of them is left.
DROP TRIGGER tidings_message_prev;
DROP TRIGGER tidings_conversation_period;
DROP INDEX tidings_message_sender;
DROP INDEX tidings_message_recipient;
DROP INDEX tidings_message_conversation;
DROP INDEX tidings_conversation_low;
DROP INDEX tidings_conversation_high;
