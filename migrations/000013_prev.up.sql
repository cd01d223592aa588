-- Messages are found through the one before them and through every sixteenth of a conversation, so that a commit writes fewer indexes in
-- random order. All of this holds no index for rows of before: the next migration brings them in.

-- The n of the message before it in its conversation; 0: there is none. A trigger sets it for nodes of an older release.
ALTER TABLE tidings_message ADD COLUMN prev INTEGER;
CREATE UNIQUE INDEX tidings_message_place ON tidings_message (conversation, seq) WHERE (seq % 16 = 0);
-- Ends in n, the row's own key.
CREATE INDEX tidings_message_mark ON tidings_message (conversation) WHERE (seq % 16 = 0);

-- n >> 18, the period of the log in which its last message is: changes once in 262,144 numbers, and with it the indexes. NULL: it has no
-- message yet.
ALTER TABLE tidings_conversation ADD COLUMN period INTEGER;
CREATE INDEX tidings_conversation_low_period ON tidings_conversation (low, period) WHERE period IS NOT NULL;
CREATE INDEX tidings_conversation_high_period ON tidings_conversation (high, period) WHERE period IS NOT NULL;

-- n >> 18, plus one, of the newest receipt in the conversation, of whichever member; 0: there is none. A user's receipts are found by it.
ALTER TABLE tidings_member ADD COLUMN period INTEGER NOT NULL DEFAULT 0;
CREATE INDEX tidings_member_period ON tidings_member (user, period) WHERE period > 0;

CREATE TRIGGER tidings_conversation_period AFTER UPDATE OF n ON tidings_conversation WHEN new.period IS NOT new.n >> 18 BEGIN
  UPDATE tidings_conversation SET period = new.n >> 18 WHERE key = new.key;
END;
CREATE TRIGGER tidings_member_period AFTER UPDATE OF n ON tidings_member WHEN new.period <= new.n >> 18 BEGIN
  UPDATE tidings_member SET period = 1 + (new.n >> 18) WHERE conversation = new.conversation AND user IN (new.user, new.peer);
END;

-- For nodes of an older release, which do not write it.
CREATE TRIGGER tidings_message_prev AFTER INSERT ON tidings_message WHEN new.prev IS NULL BEGIN
  UPDATE tidings_message SET prev = coalesce(
    (SELECT max(m.n) FROM tidings_message m WHERE m.n > (SELECT n FROM tidings_head) AND m.n < new.n AND m.conversation = new.conversation),
    (SELECT c.n FROM tidings_conversation c WHERE c.key = new.conversation))
  WHERE n = new.n;
END;
