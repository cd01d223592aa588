/**
 * The receipts of users and of their peers in a range of the log. No index leads from a user to them: each member of a conversation knows the period of its newest
 * receipt, and as in `own-messages.ts` the way is chosen by what it costs.
 */

import { conversationsMax, isCheapToScan, isTooMany, logRowsMax } from "./own-messages.ts";

/** A conversation costs about as much as so many receipts of anybody. */
const receiptsPerConversation = 2;

/**
 * Common table expressions, behind `start (user, after, until)`: a user with a range of the log; `most`: how many receipts are wanted. They give
 *
 * - `way (user, after, until, up_to)`: how far the range is looked at: to where `most` were found or so many rows were looked at; NULL: to its end;
 * - `found (n, conversation, user, delivered, read)`: all receipts in the range up to there, in no order.
 */
export const ownReceipts = (most: string): string => `
counted AS MATERIALIZED (
  SELECT s.user, s.after, s.until, (SELECT count(*) FROM (
    SELECT 1 FROM tidings_member o INDEXED BY tidings_member_period WHERE o.user = s.user AND o.period > 0 AND o.period > s.after >> 18
    LIMIT ${conversationsMax + 1})) AS conversations FROM start s
), looked AS MATERIALIZED (
  SELECT d.user, d.after, d.until, CASE
    WHEN ${isCheapToScan({ from: "d.after", to: "d.until", conversations: "d.conversations", logRows: `${logRowsMax}`, rowsPerConversation: receiptsPerConversation })} THEN d.until
    WHEN ${isTooMany("d.conversations", most)} THEN d.after + ${logRowsMax}
    END AS up_to FROM counted d
), way AS MATERIALIZED (
  SELECT l.user, l.after, l.until, CASE WHEN l.up_to IS NULL THEN NULL ELSE coalesce((
    SELECT p.n FROM tidings_member p INDEXED BY tidings_member_n
    WHERE p.n > l.after AND p.n > 0 AND p.n <= l.up_to AND l.user IN (p.user, p.peer) ORDER BY p.n LIMIT 1 OFFSET ${most} - 1
  ), l.up_to) END AS up_to FROM looked l
), found AS (
  SELECT p.n, p.conversation, p.user, p.delivered, p.read FROM way w
  CROSS JOIN tidings_member p INDEXED BY tidings_member_n ON p.n > w.after AND p.n > 0 AND p.n <= w.up_to AND w.user IN (p.user, p.peer)
  UNION ALL
  SELECT p.n, p.conversation, p.user, p.delivered, p.read FROM way w
  CROSS JOIN tidings_member o INDEXED BY tidings_member_period ON o.user = w.user AND o.period > 0 AND o.period > w.after >> 18
  CROSS JOIN tidings_member p ON p.conversation = o.conversation AND p.user IN (o.user, o.peer)
  WHERE w.up_to IS NULL AND p.n > w.after
)`;
