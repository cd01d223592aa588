// Written by scripts/bundle-migrations.ts from migrations/*.sql. Do not edit.
import type { Migration } from "./migration.ts";

/** Tidings' own migrations, as data. */
export const bundledMigrations: readonly Migration[] = [
  {
    version: 1,
    name: "messages",
    up: `-- The log: every row that a device must learn of carries n, the database's change number, taken
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
`,
    down: `DROP TABLE tidings_message;
DROP TABLE tidings_member;
DROP TABLE tidings_conversation;
DROP TABLE tidings_device;
DROP TABLE tidings_user;
DROP TABLE tidings_head;
`,
  },
  {
    version: 2,
    name: "relation",
    up: `-- What a user has said of another: that they are a contact, or blocked. A row says what holds now, and what no longer
-- does too: n is the change number at which it last changed, so that every device of the user learns of it.
CREATE TABLE tidings_relation (
  user INTEGER NOT NULL,
  other INTEGER NOT NULL,
  contact INTEGER NOT NULL DEFAULT 0,
  blocked INTEGER NOT NULL DEFAULT 0,
  n INTEGER NOT NULL,
  PRIMARY KEY (user, other)
) WITHOUT ROWID;
CREATE INDEX tidings_relation_user ON tidings_relation (user, n);
CREATE INDEX tidings_relation_n ON tidings_relation (n);

-- When a user was last connected, in milliseconds since the Unix epoch, rounded down to the minute.
CREATE TABLE tidings_seen (
  user INTEGER PRIMARY KEY,
  time INTEGER NOT NULL
);
`,
    down: `DROP TABLE tidings_seen;
DROP TABLE tidings_relation;
`,
  },
  {
    version: 3,
    name: "ticket",
    up: `-- One-use tickets for the upgrade: only their SHA-256, and whose they are. Whoever deletes the row has used it.
CREATE TABLE tidings_ticket (
  hash TEXT PRIMARY KEY,
  user INTEGER NOT NULL,
  expires INTEGER NOT NULL,
  -- When the session that bought it ends; NULL: it does not.
  session_expires INTEGER
) WITHOUT ROWID;
CREATE INDEX tidings_ticket_user ON tidings_ticket (user);
CREATE INDEX tidings_ticket_expires ON tidings_ticket (expires);
`,
    down: `DROP TABLE tidings_ticket;
`,
  },
  {
    version: 4,
    name: "push",
    up: `-- Whether a device wants to be notified at all.
ALTER TABLE tidings_device ADD COLUMN notify INTEGER NOT NULL DEFAULT 1;

-- Where a device is notified: one address for each provider. device is empty for a user who has registered none with a provider
-- that does not need it (a webhook). A token stands at one place in its tenant: where it appears anew, it has moved.
CREATE TABLE tidings_push_address (
  key INTEGER PRIMARY KEY,
  user INTEGER NOT NULL,
  tenant TEXT NOT NULL,
  device TEXT NOT NULL,
  provider TEXT NOT NULL,
  token TEXT NOT NULL,
  -- The token's SHA-256: tokens are long, and an index of them would be too.
  hash TEXT NOT NULL,
  -- Messages up to here are from before it was registered.
  since INTEGER NOT NULL,
  -- Messages up to here have been decided on, or wait in tidings_push_notice.
  decided INTEGER NOT NULL,
  -- Milliseconds since the Unix epoch: when a client last said that it is good, and until when it is.
  refreshed INTEGER NOT NULL,
  expires INTEGER
);
CREATE UNIQUE INDEX tidings_push_address_place ON tidings_push_address (user, device, provider);
CREATE UNIQUE INDEX tidings_push_address_token ON tidings_push_address (hash, provider, tenant);

-- What a device is to be told of a conversation, and what it shows of it. One row, however many messages there are.
CREATE TABLE tidings_push_notice (
  address INTEGER NOT NULL,
  conversation INTEGER NOT NULL,
  provider TEXT NOT NULL,
  -- The newest message to tell of, and the first one on which nothing was decided yet.
  n INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  first INTEGER NOT NULL,
  -- When to look at it again, in milliseconds since the Unix epoch; NULL: there is nothing to do.
  due INTEGER,
  attempts INTEGER NOT NULL DEFAULT 0,
  -- The place up to which the device was told; 0: it shows nothing.
  shown INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (address, conversation)
) WITHOUT ROWID;
CREATE INDEX tidings_push_notice_due ON tidings_push_notice (provider, due) WHERE due IS NOT NULL;

-- Why a device was, or was not, told of the messages from first to seq. Kept for some days.
CREATE TABLE tidings_push_log (
  key INTEGER PRIMARY KEY,
  conversation INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  address INTEGER NOT NULL,
  first INTEGER NOT NULL,
  user INTEGER NOT NULL,
  device TEXT NOT NULL,
  provider TEXT NOT NULL,
  time INTEGER NOT NULL,
  decision TEXT NOT NULL,
  reason TEXT NOT NULL,
  until INTEGER,
  attempts INTEGER NOT NULL,
  answer TEXT,
  cleared INTEGER
);
CREATE UNIQUE INDEX tidings_push_log_message ON tidings_push_log (conversation, seq, address);
CREATE INDEX tidings_push_log_time ON tidings_push_log (time);

-- Of several nodes one sends: whoever holds this. Its holder makes beat grow; one that no longer does is taken over from.
-- n: every message up to here has been looked at.
CREATE TABLE tidings_push_worker (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  holder TEXT NOT NULL,
  beat INTEGER NOT NULL,
  n INTEGER NOT NULL
);
INSERT INTO tidings_push_worker (one, holder, beat, n) SELECT 1, '', 0, n FROM tidings_head;

-- A conversation of which a user does not want to be notified: until then, in milliseconds since the Unix epoch; NULL: for good.
CREATE TABLE tidings_mute (
  user INTEGER NOT NULL,
  conversation INTEGER NOT NULL,
  until INTEGER,
  PRIMARY KEY (user, conversation)
) WITHOUT ROWID;

-- When a user does not want to be notified, as JSON.
CREATE TABLE tidings_quiet_hours (
  user INTEGER PRIMARY KEY,
  hours TEXT NOT NULL
);
`,
    down: `DROP TABLE tidings_quiet_hours;
DROP TABLE tidings_mute;
DROP TABLE tidings_push_worker;
DROP TABLE tidings_push_log;
DROP TABLE tidings_push_notice;
DROP TABLE tidings_push_address;
ALTER TABLE tidings_device DROP COLUMN notify;
`,
  },
  {
    version: 5,
    name: "revocation",
    up: `-- Whose sessions were ended: it stands in the log, so that every node learns of it, however it learns of anything.
CREATE TABLE tidings_revocation (
  n INTEGER PRIMARY KEY,
  user INTEGER NOT NULL,
  -- NULL: on every device.
  device TEXT,
  reason TEXT NOT NULL,
  time INTEGER NOT NULL
);
CREATE INDEX tidings_revocation_time ON tidings_revocation (time);
`,
    down: `DROP TABLE tidings_revocation;
`,
  },
  {
    version: 6,
    name: "bounds",
    up: `-- What statements would else have to count or walk for.

-- The newest place below this one of a message by somebody else than its sender; 0: there is none. A read mark is found by it with one
-- look-up. NULL: a message of before this was stored.
ALTER TABLE tidings_message ADD COLUMN other_seq INTEGER;

-- When a device was last seen, in milliseconds since the Unix epoch, written at most once an hour: of too many the one that was not seen
-- for longest goes. 0: not since this is noted.
ALTER TABLE tidings_device ADD COLUMN seen INTEGER NOT NULL DEFAULT 0;

-- Where a block is: the change number at which one between these two began. Marks that moved later are hidden behind it. It stays until
-- the row next changes, so that the commit that ends a block knows it. NULL: no block, or one of before this was stored.
ALTER TABLE tidings_relation ADD COLUMN hidden INTEGER;
`,
    down: `ALTER TABLE tidings_relation DROP COLUMN hidden;
ALTER TABLE tidings_device DROP COLUMN seen;
ALTER TABLE tidings_message DROP COLUMN other_seq;
`,
  },
  {
    version: 7,
    name: "synced",
    up: `-- Where a device's sync goes on, where that is not what it acked: the list of undelivered messages leaves out what the user did on other
-- devices, so confirming it moves acked alone. NULL: both are the same.
ALTER TABLE tidings_device ADD COLUMN synced INTEGER;
`,
    down: `ALTER TABLE tidings_device DROP COLUMN synced;
`,
  },
  {
    version: 8,
    name: "secret",
    up: `-- What hides the numbers in cursors and in \`next\`: change numbers count the writes of all tenants. 32 bytes in hexadecimal; a copy of the
-- database has it too, so that its cursors stay good.
ALTER TABLE tidings_head ADD COLUMN secret TEXT;
UPDATE tidings_head SET secret = lower(hex(randomblob(32)));
`,
    down: `ALTER TABLE tidings_head DROP COLUMN secret;
`,
  },
  {
    version: 9,
    name: "level",
    up: `-- The highest level of entry that the log holds. What writes the first entry of a higher level raises it in the same transaction, so that a
-- node of an older release, which reads it with every head, stops before it passes what it cannot read.
ALTER TABLE tidings_head ADD COLUMN level INTEGER NOT NULL DEFAULT 1;

-- The level at which a device stored what it has acked: of what is of a higher level it was sent nothing.
ALTER TABLE tidings_device ADD COLUMN level INTEGER NOT NULL DEFAULT 1;
`,
    down: `ALTER TABLE tidings_device DROP COLUMN level;
ALTER TABLE tidings_head DROP COLUMN level;
`,
  },
  {
    version: 10,
    name: "log_place",
    up: `-- Durable places in the log, of those who follow it on behalf of the host: everything up to n was handled. Of several nodes one holds a
-- place at a time. Its holder makes beat grow; one that no longer does is taken over from. A node of an older release does not know the table,
-- and goes on working.
CREATE TABLE tidings_log_place (
  name TEXT PRIMARY KEY,
  holder TEXT NOT NULL,
  beat INTEGER NOT NULL,
  n INTEGER NOT NULL
) WITHOUT ROWID;
`,
    down: `DROP TABLE tidings_log_place;
`,
  },
  {
    version: 11,
    name: "setting",
    up: `-- A mute is an entry of the log, so that every device of its user gets it; a mute that was ended keeps its row, with the time 0.
-- n: the change number at which it last changed; 0: not since this is stored.
ALTER TABLE tidings_mute ADD COLUMN n INTEGER NOT NULL DEFAULT 0;
-- How many times it has changed: of two answers with one, the newer has the greater number.
ALTER TABLE tidings_mute ADD COLUMN version INTEGER NOT NULL DEFAULT 0;
CREATE INDEX tidings_mute_user ON tidings_mute (user, n) WHERE n > 0;
CREATE INDEX tidings_mute_n ON tidings_mute (n) WHERE n > 0;
`,
    down: `DROP INDEX tidings_mute_n;
DROP INDEX tidings_mute_user;
DELETE FROM tidings_mute WHERE until = 0;
ALTER TABLE tidings_mute DROP COLUMN version;
ALTER TABLE tidings_mute DROP COLUMN n;
-- Nothing of the second level is left, so that an older release can read the log again.
UPDATE tidings_head SET level = 1;
`,
  },
  {
    version: 12,
    name: "device_seen",
    up: `-- The devices that were not seen for longest, of all users: a sweep forgets them, some at a time.
CREATE INDEX tidings_device_seen ON tidings_device (seen) WHERE seen > 0;
`,
    down: `DROP INDEX tidings_device_seen;
`,
  },
  {
    version: 13,
    name: "prev",
    up: `-- Messages are found through the one before them and through every sixteenth of a conversation, so that a commit writes fewer indexes in
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
`,
    down: `DROP TRIGGER tidings_member_period;
DROP TRIGGER tidings_conversation_period;
DROP TRIGGER tidings_message_prev;
DROP INDEX tidings_member_period;
ALTER TABLE tidings_member DROP COLUMN period;
DROP INDEX tidings_conversation_high_period;
DROP INDEX tidings_conversation_low_period;
ALTER TABLE tidings_conversation DROP COLUMN period;
DROP INDEX tidings_message_mark;
DROP INDEX tidings_message_place;
ALTER TABLE tidings_message DROP COLUMN prev;
`,
  },
  {
    version: 14,
    name: "prev_fill",
    up: `-- The rows of before the last migration. A range of all keys is divided: each piece is a transaction of its own, and others write in between.
UPDATE tidings_conversation SET period = n >> 18 WHERE period IS NULL AND n > 0 AND key BETWEEN 0 AND 9223372036854775807;
UPDATE tidings_member SET period = 1 + (max(n, coalesce((
  SELECT o.n FROM tidings_member o WHERE o.conversation = tidings_member.conversation AND o.user = tidings_member.peer
), 0)) >> 18) WHERE period = 0 AND (n > 0 OR EXISTS (
  SELECT 1 FROM tidings_member o WHERE o.conversation = tidings_member.conversation AND o.user = tidings_member.peer AND o.n > 0
)) AND conversation BETWEEN 0 AND 9223372036854775807;
UPDATE tidings_message SET prev = coalesce((
  SELECT b.n FROM tidings_message b WHERE b.conversation = tidings_message.conversation AND b.seq = tidings_message.seq - 1
), 0) WHERE prev IS NULL AND n BETWEEN 0 AND 9223372036854775807;
`,
    down: `-- Nothing to take back: the columns go with the migration before.
`,
  },
  {
    version: 15,
    name: "groups",
    up: `-- Groups: conversations of many. A message of one has no recipient; an event has no text.
ALTER TABLE tidings_message ADD COLUMN event TEXT;
-- The mentions of a message of a group, as JSON: names, or "all".
ALTER TABLE tidings_message ADD COLUMN mentions TEXT;
-- Of a group: the period of its last message, of 64 change numbers.
ALTER TABLE tidings_conversation ADD COLUMN changed INTEGER;
CREATE INDEX tidings_conversation_changed ON tidings_conversation (changed) WHERE changed IS NOT NULL;
CREATE TRIGGER tidings_conversation_changed AFTER UPDATE OF n ON tidings_conversation WHEN new.low IS NULL AND new.changed IS NOT new.n >> 6 BEGIN
  UPDATE tidings_conversation SET changed = new.n >> 6 WHERE key = new.key;
END;
CREATE TABLE tidings_group (
  conversation INTEGER PRIMARY KEY,
  -- The idempotency key of its creation, unique for each creator.
  creator INTEGER NOT NULL,
  id TEXT NOT NULL,
  -- The change number of what all members know of it, and how many times that has changed.
  n INTEGER NOT NULL,
  version INTEGER NOT NULL,
  name TEXT NOT NULL,
  data TEXT NOT NULL,
  visibility TEXT NOT NULL,
  history TEXT NOT NULL,
  -- How many members there are.
  size INTEGER NOT NULL
);
CREATE UNIQUE INDEX tidings_group_birth ON tidings_group (creator, id);
CREATE UNIQUE INDEX tidings_group_n ON tidings_group (n);
CREATE TABLE tidings_group_member (
  conversation INTEGER NOT NULL,
  user INTEGER NOT NULL,
  -- 0: is here, 1: has left, 2: was removed.
  status INTEGER NOT NULL,
  -- 0: member, 1: admin, 2: owner.
  role INTEGER NOT NULL,
  -- May read the seqs above \`since\`, and up to \`until\`; NULL: there is no end.
  since INTEGER NOT NULL,
  until INTEGER,
  -- Is told of the change numbers above \`joined_n\`, which is where the seqs above \`joined\` begin, and up to \`until_n\`.
  joined INTEGER NOT NULL,
  joined_n INTEGER NOT NULL,
  until_n INTEGER,
  -- Up to here they have got it, where the group is small, and have read it.
  delivered INTEGER NOT NULL DEFAULT 0,
  read INTEGER NOT NULL DEFAULT 0,
  -- The change number of the last change of these two, and whether the group was so small then that all its members are told of it.
  mark_n INTEGER NOT NULL DEFAULT 0,
  is_shared INTEGER NOT NULL DEFAULT 0,
  -- The change number of the last change of the rest.
  n INTEGER NOT NULL,
  PRIMARY KEY (conversation, user)
) WITHOUT ROWID;
CREATE INDEX tidings_group_member_user ON tidings_group_member (user, n);
CREATE UNIQUE INDEX tidings_group_member_n ON tidings_group_member (n);
CREATE INDEX tidings_group_member_here ON tidings_group_member (conversation, user) WHERE status = 0;
CREATE INDEX tidings_group_member_owner ON tidings_group_member (conversation) WHERE status = 0 AND role = 2;
CREATE INDEX tidings_group_member_read ON tidings_group_member (conversation, read, since) WHERE status = 0;
CREATE UNIQUE INDEX tidings_group_member_mark ON tidings_group_member (mark_n) WHERE mark_n > 0;
CREATE INDEX tidings_group_member_shared ON tidings_group_member (conversation, mark_n) WHERE is_shared = 1 AND mark_n > 0;
-- The mentions of members, one row each; user 0: of all.
CREATE TABLE tidings_mention (
  conversation INTEGER NOT NULL,
  user INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  sender INTEGER NOT NULL,
  PRIMARY KEY (conversation, user, seq)
) WITHOUT ROWID;
-- Invitations into groups, by the hashes of their tokens: a reader of the database cannot use them.
CREATE TABLE tidings_group_invite (
  conversation INTEGER NOT NULL,
  id TEXT NOT NULL,
  hash TEXT NOT NULL,
  creator INTEGER NOT NULL,
  -- 1: made by the host, in the name of the creator. Others end when the creator may no longer invite.
  by_host INTEGER NOT NULL,
  expires INTEGER NOT NULL,
  -- How many users may still join by it.
  uses INTEGER NOT NULL,
  PRIMARY KEY (conversation, id)
) WITHOUT ROWID;
CREATE UNIQUE INDEX tidings_group_invite_hash ON tidings_group_invite (hash);
`,
    down: `DROP TABLE tidings_group_invite;
DROP TABLE tidings_mention;
DROP TABLE tidings_group_member;
DROP TABLE tidings_group;
DROP TRIGGER tidings_conversation_changed;
DROP INDEX tidings_conversation_changed;
ALTER TABLE tidings_conversation DROP COLUMN changed;
ALTER TABLE tidings_message DROP COLUMN mentions;
ALTER TABLE tidings_message DROP COLUMN event;
`,
  },
  {
    version: 16,
    name: "prev_contract",
    up: `-- Nodes of releases that know no \`prev\` need what goes here: run it once none of them is left.
DROP TRIGGER IF EXISTS tidings_message_prev;
DROP INDEX IF EXISTS tidings_message_sender;
DROP INDEX IF EXISTS tidings_message_recipient;
DROP INDEX IF EXISTS tidings_message_conversation;
DROP INDEX IF EXISTS tidings_conversation_low;
DROP INDEX IF EXISTS tidings_conversation_high;
DROP INDEX IF EXISTS tidings_member_user;
DROP INDEX IF EXISTS tidings_member_peer;
DROP INDEX IF EXISTS tidings_device_acked;
`,
    down: `CREATE INDEX tidings_device_acked ON tidings_device (user, acked);
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
`,
  },
];
