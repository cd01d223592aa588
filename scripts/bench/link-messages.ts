/** After messages were inserted by hand: each gets the one before it in its conversation, and each conversation the period of its last one. */
export const linkMessages = [
  `UPDATE tidings_message AS message SET prev = x.prev FROM (
    SELECT m.n, lag(m.n, 1, 0) OVER (PARTITION BY m.conversation ORDER BY m.n) AS prev FROM tidings_message m
  ) x WHERE message.n = x.n`,
  `UPDATE tidings_conversation SET period = n >> 18`,
  // A trigger sets the periods of receipts.
  `UPDATE tidings_member SET n = n WHERE n > 0`,
];
