-- Whether a device wants to be notified at all.
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
