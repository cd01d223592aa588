-- The log: every row that a device must learn of carries n, the database's change number, taken
-- inside the transaction that writes it. One writer commits at a time, so n order is commit order.

-- No foreign keys: every key below comes out of a join in the statement that writes it, and the checks
-- cost three look-ups a message.

-- The last change number, and the random name of this history (a restored backup gets a new one).
CREATE TABLE tidings_head (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  n INTEGER NOT NULL,
  epoch TEXT NOT NULL
);
INSERT INTO tidings_head (one, n, epoch) VALUES (1, 0, lower(hex(randomblob(8))));

-- Names become small integers once, here: the indexes below are a third cheaper to write for it
-- (81 against 108 µs a message over 20 000 conversations), and a row of one tenant cannot be
-- reached through another tenant's names.
CREATE TABLE tidings_user (
  key INTEGER PRIMARY KEY,
  tenant TEXT NOT NULL,
  id TEXT NOT NULL,
  UNIQUE (tenant, id)
);

-- What each device has stored: it acked everything up to this change number.
CREATE TABLE tidings_device (
  user INTEGER NOT NULL,
  device TEXT NOT NULL,
  acked INTEGER NOT NULL,
  PRIMARY KEY (user, device)
) WITHOUT ROWID;
-- How far any device of a user has got, however many they have.
CREATE INDEX tidings_device_acked ON tidings_device (user, acked);

-- A direct conversation is an unordered pair of users (low < high) and exists once. Other kinds
-- leave the pair empty and have their people in member alone. The key is random; on the wire it is
-- the conversation's id.
CREATE TABLE tidings_conversation (
  key INTEGER PRIMARY KEY,
  tenant TEXT NOT NULL,
  kind TEXT NOT NULL DEFAULT 'direct',
  low INTEGER,
  high INTEGER,
  seq INTEGER NOT NULL DEFAULT 0,
  n INTEGER NOT NULL DEFAULT 0,
  low_seq INTEGER NOT NULL DEFAULT 0,
  high_seq INTEGER NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX tidings_conversation_pair ON tidings_conversation (low, high);
-- A user's conversations, newest activity first: two range scans, merged.
CREATE INDEX tidings_conversation_low ON tidings_conversation (low, n);
CREATE INDEX tidings_conversation_high ON tidings_conversation (high, n);

-- Who belongs to a conversation and how far they have got. n: when these marks last moved (0: never).
CREATE TABLE tidings_member (
  conversation INTEGER NOT NULL,
  user INTEGER NOT NULL,
  peer INTEGER,
  delivered INTEGER NOT NULL DEFAULT 0,
  read INTEGER NOT NULL DEFAULT 0,
  n INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (conversation, user)
) WITHOUT ROWID;
CREATE INDEX tidings_member_user ON tidings_member (user, n) WHERE n > 0;
CREATE INDEX tidings_member_peer ON tidings_member (peer, n) WHERE n > 0;
CREATE INDEX tidings_member_n ON tidings_member (n) WHERE n > 0;

-- Messages at their places in the log. n as the primary key appends at the tail of the file; the
-- idempotency index leads with the id, so that time-ordered ids append at its tail too.
CREATE TABLE tidings_message (
  n INTEGER PRIMARY KEY,
  conversation INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  id TEXT NOT NULL,
  sender INTEGER NOT NULL,
  recipient INTEGER,
  text TEXT NOT NULL,
  time INTEGER NOT NULL,
  -- What a retry is compared with once the text is no longer the one it was born with: a hash of that one.
  hash TEXT
);
CREATE UNIQUE INDEX tidings_message_id ON tidings_message (id, sender);
CREATE UNIQUE INDEX tidings_message_conversation ON tidings_message (conversation, seq);
-- Resume: what changed for one user after n is a range scan of these two (each ends in n, the row's
-- own key), however many conversations they have and however many messages of others lie between.
CREATE INDEX tidings_message_sender ON tidings_message (sender);
CREATE INDEX tidings_message_recipient ON tidings_message (recipient) WHERE recipient IS NOT NULL;
