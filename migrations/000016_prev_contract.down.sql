CREATE INDEX tidings_device_acked ON tidings_device (user, acked);
CREATE INDEX tidings_member_peer ON tidings_member (peer, n) WHERE n > 0;
CREATE INDEX tidings_member_user ON tidings_member (user, n) WHERE n > 0;
CREATE INDEX tidings_conversation_high ON tidings_conversation (high, n);
CREATE INDEX tidings_conversation_low ON tidings_conversation (low, n);
CREATE UNIQUE INDEX tidings_message_conversation ON tidings_message (conversation, seq);
CREATE INDEX tidings_message_recipient ON tidings_message (recipient) WHERE recipient IS NOT NULL;
CREATE INDEX tidings_message_sender ON tidings_message (sender);
CREATE TRIGGER tidings_message_prev AFTER INSERT ON tidings_message WHEN new.prev IS NULL BEGIN
  UPDATE tidings_message SET prev = coalesce(
    (SELECT max(m.n) FROM tidings_message m WHERE m.n > (SELECT n FROM tidings_head) AND m.n < new.n AND m.conversation = new.conversation),
    (SELECT c.n FROM tidings_conversation c WHERE c.key = new.conversation))
  WHERE n = new.n;
END;
