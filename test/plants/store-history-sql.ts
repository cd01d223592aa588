import type { Plants } from "./plant.ts";

/** Tests plant most of these into the statements as the database gets them: see test/support/rewrite.ts. */
export const storeHistorySql = {
  "a page of messages includes its bound": {
    rule: "Q3",
    file: "store/read/history-sql.ts",
    from: "m.seq < ?7",
    to: "m.seq <= ?7",
  },
  "a filter by sender is forgotten": {
    rule: "Q3",
    file: "store/read/history-sql.ts",
    from: "s.id = ?3",
    to: "1",
  },
  "the last moment of a filter by time is left out": {
    rule: "Q3",
    file: "store/read/history-sql.ts",
    from: "m.time <= ?5",
    to: "m.time < ?5",
  },
  "a filter of what was not acked forgets the ack": {
    rule: "Q3",
    file: "store/read/history-sql.ts",
    from: "AND m.n > (SELECT d.acked",
    to: "AND -1 < (SELECT d.acked",
  },
  "a list skips a message that was not acked": {
    rule: "Q2",
    file: "store/read/history-sql.ts",
    from: "i.device = ?6), 0)",
    to: "i.device = ?6) + 1, 0)",
  },
  "one's own messages are among the undelivered": {
    rule: "Q3",
    file: "store/read/history-sql.ts",
    from: "(m.recipient = a.key\n",
    to: "(1\n",
  },
  "ids that others use too are left out": {
    rule: "Q3",
    file: "store/read/history-sql.ts",
    from: "m.id = j.value AND",
    to: "m.id = j.value AND m.sender = a.key AND",
  },
  "a page skips a row where the looking ended": {
    rule: "Q15",
    file: "store/read/history-sql.ts",
    from: "min(?7, c.seq + 1) - ?8",
    to: "min(?7, c.seq + 1) - ?8 + 1",
  },
  "an edge of a page is one row off": {
    rule: "Q15",
    file: "store/read/history-sql.ts",
    from: "AND m.n > coalesce(",
    to: "AND m.n > 1 + coalesce(",
  },
  "unread counts one's own messages": {
    rule: "Q8",
    file: "store/read/history-sql.ts",
    from: "AND w.sender <> counted.me",
    to: "",
  },
  "the list has the conversations of one side only": {
    rule: "Q8",
    file: "store/read/history-sql.ts",
    from: "UNION ALL",
    to: "EXCEPT",
  },
  "the list is in the order of keys": {
    rule: "Q8",
    file: "store/read/history-sql.ts",
    from: "ORDER BY counted.n DESC",
    to: "ORDER BY counted.key",
  },
  "the oldest page in place of the newest": {
    rule: "Q3",
    file: "store/read/history-sql.ts",
    from: "ORDER BY m.seq DESC",
    to: "ORDER BY m.seq",
  },
  "the list of conversations looks at no block": {
    rule: "T3",
    file: "store/read/history-sql.ts",
    from: 'CASE WHEN ${isBlockedBetween("counted.me", "counted.peer")} THEN NULL ELSE q.read END AS peer_read',
    to: "q.read AS peer_read",
  },
} satisfies Plants;
