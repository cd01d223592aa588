-- The rows of before the last migration. A range of all keys is divided: each piece is a transaction of its own, and others write in between.
UPDATE tidings_conversation SET period = n >> 18 WHERE period IS NULL AND n > 0 AND key BETWEEN 0 AND 9223372036854775807;
UPDATE tidings_member SET period = 1 + (max(n, coalesce((
  SELECT o.n FROM tidings_member o WHERE o.conversation = tidings_member.conversation AND o.user = tidings_member.peer
), 0)) >> 18) WHERE period = 0 AND (n > 0 OR EXISTS (
  SELECT 1 FROM tidings_member o WHERE o.conversation = tidings_member.conversation AND o.user = tidings_member.peer AND o.n > 0
)) AND conversation BETWEEN 0 AND 9223372036854775807;
UPDATE tidings_message SET prev = coalesce((
  SELECT b.n FROM tidings_message b WHERE b.conversation = tidings_message.conversation AND b.seq = tidings_message.seq - 1
), 0) WHERE prev IS NULL AND n BETWEEN 0 AND 9223372036854775807;
