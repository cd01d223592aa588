-- Nodes of releases that know no `prev` need what goes here: run it once none of them is left.
DROP TRIGGER IF EXISTS tidings_message_prev;
DROP INDEX IF EXISTS tidings_message_sender;
DROP INDEX IF EXISTS tidings_message_recipient;
DROP INDEX IF EXISTS tidings_message_conversation;
DROP INDEX IF EXISTS tidings_conversation_low;
DROP INDEX IF EXISTS tidings_conversation_high;
DROP INDEX IF EXISTS tidings_member_user;
DROP INDEX IF EXISTS tidings_member_peer;
DROP INDEX IF EXISTS tidings_device_acked;
