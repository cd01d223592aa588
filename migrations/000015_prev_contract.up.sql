-- Nodes of releases that know no `prev` need what goes here: run it once none of them is left.
DROP TRIGGER tidings_message_prev;
DROP INDEX tidings_message_sender;
DROP INDEX tidings_message_recipient;
DROP INDEX tidings_message_conversation;
DROP INDEX tidings_conversation_low;
DROP INDEX tidings_conversation_high;
DROP INDEX tidings_member_user;
DROP INDEX tidings_member_peer;
DROP INDEX tidings_device_acked;
