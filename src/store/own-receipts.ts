/**
 * The receipts of a user and of their peers in a range of the log. No index leads from a user to them: each member of a conversation knows the period of its newest
 * receipt, and as in `own-messages.ts` the way is chosen by what it costs.
 */

import { conversationsMax, periodOf } from "./own-messages.ts";

/** A conversation costs about as much as so many receipts of anybody. */
export const receiptsPerConversation = 2;

type Since = { readonly user: string; readonly n: string };

/** The user's members that may have a receipt after `n`, theirs or their peer's. */
const membersSince = ({ user, n }: Since): string =>
  `tidings_member o INDEXED BY tidings_member_period WHERE o.user = ${user} AND o.period > 0 AND o.period > ${periodOf(n)}`;

/** How many of them there are, up to one more than `conversationsMax`. */
export const receiptsSince = (since: Since): string =>
  `(SELECT count(*) FROM (SELECT 1 FROM ${membersSince(since)} LIMIT ${conversationsMax + 1}))`;

/** The change number of the newest receipt in the first `most` of these conversations. */
export const newestReceipt = (since: Since, most: number): string => `(SELECT max(p.n) FROM (
    SELECT o.conversation, o.user, o.peer FROM ${membersSince(since)} LIMIT ${most}
  ) k CROSS JOIN tidings_member p ON p.conversation = k.conversation AND p.user IN (k.user, k.peer))`;

/** To be joined: rows `p` of tidings_member with the receipts after `n`, through the conversations. */
export const receiptsOfConversations = ({ user, n }: Since): string => `
tidings_member o INDEXED BY tidings_member_period ON o.user = ${user} AND o.period > 0 AND o.period > ${periodOf(n)}
CROSS JOIN tidings_member p ON p.conversation = o.conversation AND p.user IN (o.user, o.peer) AND p.n > ${n}`;
