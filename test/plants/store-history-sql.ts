import type { Plants } from "./plant.ts";

/** Tests plant most of these into the statements as the database gets them: see test/support/rewrite.ts. */
export const storeHistorySql = {
  "a page of messages includes its bound": {
    rule: "Q3",
    file: "store/read/history-sql.ts",
    from: "min(?7 - 1, ",
    to: "min(?7, ",
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
    from: "d.device = ?6), 0)), head.n",
    to: "d.device = ?6) + 1, 0)), head.n",
  },
  "one's own messages are among the undelivered": {
    rule: "Q3",
    file: "store/read/history-sql.ts",
    from: "(m.sender <> a.key AND (m.recipient",
    to: "(1 AND (m.sender = a.key OR m.recipient",
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
    from: "WHERE b.seq > b.bottom + 1",
    to: "WHERE b.seq > b.bottom + 2",
  },
  "an edge of a page is one row off": {
    rule: "Q15",
    file: "store/read/history-sql.ts",
    from: "WHERE g.n >= end_at.n",
    to: "WHERE g.n > end_at.n",
  },
  "unread counts one's own messages": {
    rule: "Q8",
    file: "store/read/history-sql.ts",
    from: "w WHERE w.sender <> counted.me",
    to: "w",
  },
  "the list has the conversations of one side only": {
    rule: "Q8",
    file: "store/read/history-sql.ts",
    from: "c.key = x.conversation CROSS JOIN start s",
    to: "c.key = x.conversation CROSS JOIN start s ON s.user = c.low",
  },
  "the list is in the order of keys": {
    rule: "Q8",
    file: "store/read/history-sql.ts",
    from: "ORDER BY activity DESC",
    to: "ORDER BY peer",
  },
  "the oldest page in place of the newest": {
    rule: "Q3",
    edits: [
      { file: "store/read/history-sql.ts", from: "max(a.floor, a.top - ?8) FROM place a", to: "-1 FROM place a" },
      { file: "store/read/history-sql.ts", from: "ORDER BY m.n DESC", to: "ORDER BY m.n" },
    ],
  },
  "the list of conversations looks at no block": {
    rule: "T3",
    file: "store/read/history-sql.ts",
    from: 'CASE WHEN ${isBlockedBetween("counted.me", "counted.peer")} THEN NULL ELSE q.read END AS peer_read',
    to: "q.read AS peer_read",
  },
  "a walk back ends a message too early": {
    rule: "S49",
    file: "store/own-messages.ts",
    from: "WHERE b.prev > b.floor\n",
    to: "WHERE b.prev > b.floor + 1\n",
  },
  "a stretch is taken for whole where not all of its marks were looked at": {
    rule: "S49",
    file: "store/own-messages.ts",
    from: " OR (x.left = 0 AND x.n < x.last)",
    to: "",
  },
  "conversations of the period of a cursor are left out": {
    rule: "S49",
    file: "store/own-messages.ts",
    from: 'c.period >= ${periodOf("w.after")}',
    to: 'c.period > ${periodOf("w.after")}',
  },
  "a look at some rows of the log says that it saw all": {
    rule: "S49",
    file: "store/read/reader.ts",
    from: "upTo: upTo < until ? upTo : null",
    to: "upTo: null",
  },
  "the list stops where too many conversations changed": {
    rule: "S49",
    file: "store/own-messages.ts",
    from: "coalesce((SELECT n FROM scanned), floor.n) AS n FROM floor",
    to: "0 AS n FROM floor",
  },
} satisfies Plants;
