-- Groups: conversations of many. A message of one has no recipient; an event has no text.
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
  -- May read the seqs above `since`, and up to `until`; NULL: there is no end.
  since INTEGER NOT NULL,
  until INTEGER,
  -- Is told of the change numbers above `joined_n`, which is where the seqs above `joined` begin, and up to `until_n`.
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
