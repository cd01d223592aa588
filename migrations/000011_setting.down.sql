DROP INDEX tidings_mute_n;
DROP INDEX tidings_mute_user;
DELETE FROM tidings_mute WHERE until = 0;
ALTER TABLE tidings_mute DROP COLUMN version;
ALTER TABLE tidings_mute DROP COLUMN n;
-- Nothing of the second level is left, so that an older release can read the log again.
UPDATE tidings_head SET level = 1;
