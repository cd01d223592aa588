import type { Plants } from "./plant.ts";

export const storeSql = {
  "relations that take change numbers which are given out again": {
    rule: "O5 O6 B1",
    file: "store/read/people-sql.ts",
    from: "n = max(n, coalesce((SELECT max(n) FROM tidings_relation), 0), ",
    to: "n = max(n, ",
  },
  "settings that take change numbers which are given out again": {
    rule: "P75 O5 O6",
    file: "store/push/device-sql.ts",
    from: "n = max(n, coalesce((SELECT max(n) FROM tidings_mute WHERE n > 0), 0))",
    to: "n = n",
  },
  "a sweep forgets the device that has acked the most": {
    rule: "S47",
    file: "store/push/device-sql.ts",
    from: "\n      AND (o.acked, o.device) > (tidings_device.acked, tidings_device.device))",
    to: ")",
  },
  "a mute that is set again is a change again": {
    rule: "P75",
    file: "store/push/device-sql.ts",
    from: "\nWHERE tidings_mute.until IS NOT excluded.until",
    to: "",
  },
  "changes that an unblock brings back share one number": {
    rule: "O5",
    file: "store/read/people-sql.ts",
    from: "max(head.n, (SELECT max(l.n) FROM tidings_relation l)) + row_number()",
    to: "head.n + row_number()",
  },
  "a message that comes during a push is forgotten": {
    rule: "U5",
    file: "store/push/due-sql.ts",
    from: "    WHEN x.is_done AND push_notice.n > x.n THEN push_notice.n\n",
    to: "",
  },
  "one device's ack taken for another's": {
    rule: "U1 U5",
    file: "store/push/sql-parts.ts",
    from: "WHERE d.user = a.user AND d.device = a.device), 0)\nEND",
    to: "WHERE d.user = a.user ORDER BY d.acked DESC LIMIT 1), 0)\nEND",
  },
  "a notification that was read during its push stays": {
    rule: "U3",
    file: "store/push/due-sql.ts",
    from: "WHEN x.is_done AND x.due IS NULL AND ${isOver",
    to: "WHEN x.is_done AND x.due > 0 AND ${isOver",
  },
  "a death notice that outlives a new registration": {
    rule: "U6 O10 U9",
    file: "store/push/due-sql.ts",
    from: "AND a.hash = ${field(1)} AND a.refreshed = ${field(2)}`",
    to: "AND a.hash = ${field(1)}`",
  },
  "a revocation keeps the tickets of before": {
    rule: "T7",
    file: "store/revocation-sql.ts",
    from: "AND u.id = ?2)`;",
    to: "AND u.id = ?2 AND 0)`;",
  },
  "places in a conversation that run against the order of a commit": {
    rule: "O4 D1",
    file: "store/write/send-sql.ts",
    from: "PARTITION BY c.key ORDER BY s.i)",
    to: "PARTITION BY c.key ORDER BY s.i DESC)",
  },
  "delivered beyond what was acked": {
    rule: "O8",
    file: "store/write/marks-sql.ts",
    from: "m.n > a.since AND m.n <= a.up_to AND m.recipient = a.user",
    to: "m.n > a.since AND m.recipient = a.user",
  },
  "a read mark that takes delivered back": {
    rule: "O9",
    file: "store/write/marks-sql.ts",
    from: "max(p.delivered, x.seq), x.seq,",
    to: "x.seq, x.seq,",
  },
  "a block that sends do not look at": {
    rule: "B2",
    file: "store/write/send-sql.ts",
    from: "AND r.other = a.key AND r.blocked)",
    to: "AND r.other = a.key AND r.blocked > 1)",
  },
  "a history that each node names": {
    rule: "D32",
    file: "store/sql.ts",
    from: " WHERE ?2 IS NULL OR (epoch = ?2 AND n < ?3)`",
    to: "`",
  },
  "an ack reaches beyond the head": {
    rule: "S4",
    file: "store/write/marks-sql.ts",
    from: "min(max(${field(3)}), head.n) AS wanted",
    to: "max(${field(3)}) AS wanted",
  },
  "a second change of a text forgets the send": {
    rule: "S42",
    file: "store/read/log-sql.ts",
    from: "hash = coalesce(hash, ?4)",
    to: "hash = ?4",
  },
  "a write does not say up to which level it reads": {
    rule: "S40",
    file: "store/sql.ts",
    from: " AND head.level <= ?3)`",
    to: " AND ?3 > 0)`",
  },
  "a send looks at no block": {
    rule: "T3",
    file: "store/write/send-sql.ts",
    from: "AND r.other = a.key AND r.blocked)\n) x",
    to: "AND r.other = a.key AND r.blocked AND 0)\n) x",
  },
  "a receipt is sent through a block as it moves": {
    rule: "T3",
    file: "store/write/marks-sql.ts",
    from: 'WHERE u.key = peer AND NOT ${isBlockedBetween("tidings_member.user", "tidings_member.peer")})',
    to: "WHERE u.key = peer)",
  },
  "a receipt is replayed through a block": {
    rule: "T3",
    file: "store/read/log-sql.ts",
    from: 'OR NOT ${isHiddenBetween({ one: "p.user", other: "u.key", n: "p.n" })})',
    to: "OR 1)",
  },
  "a device has synced at the level of its first connection": {
    rule: "P52 S41",
    file: "store/write/marks-sql.ts",
    from: "THEN coalesce(${field(5)}, d.level) ELSE",
    to: "THEN d.level ELSE",
  },
  "an id is stored as often as it comes": {
    rule: "O1",
    file: "store/write/send-sql.ts",
    from: "WHERE NOT EXISTS (SELECT 1 FROM tidings_message m WHERE m.id = s.id AND m.sender = a.key)",
    to: "WHERE true",
  },
  "a read mark walks back over one's own messages": {
    rule: "R30",
    edits: [
      {
        file: "store/write/marks-sql.ts",
        from: "coalesce(r.other_seq, (",
        to: "coalesce((",
      },
      {
        file: "store/write/marks-sql.ts",
        from: "const oldRowsMax = 32;",
        to: "const oldRowsMax = 1e12;",
      },
    ],
  },
  "an ack is carried on to its end at once": {
    rule: "R30",
    file: "store/write/marks-sql.ts",
    from: "+ 32 + 4 * ?3",
    to: "+ 1e9",
  },
  "a read mark goes back": {
    rule: "O9",
    file: "store/write/marks-sql.ts",
    from: "WHERE x.seq > p.read",
    to: "WHERE x.seq <> p.read",
  },
  "a read mark passes the delivered one": {
    rule: "O9",
    file: "store/write/marks-sql.ts",
    from: "max(p.delivered, x.seq), x.seq",
    to: "p.delivered, x.seq",
  },
  "a retry is stored as a new message": {
    rule: "O1",
    edits: [
      {
        file: "store/write/send-sql.ts",
        from: "WHERE NOT EXISTS (SELECT 1 FROM tidings_message m WHERE m.id = s.id AND m.sender = a.key)",
        to: "WHERE true",
      },
      // An id of its own, and a valid one, or no client would take it.
      {
        file: "store/write/send-sql.ts",
        from: "s.id, a.key AS sender,",
        to: `CASE WHEN EXISTS (SELECT 1 FROM tidings_message m WHERE m.id = s.id)
    THEN printf('%s%012x', substr(s.id, 1, 24), head.n) ELSE s.id END AS id, a.key AS sender,`,
      },
    ],
  },
  "messages of one commit do not know each other": {
    rule: "S49",
    file: "store/write/send-sql.ts",
    from: "coalesce(lag(x.n) OVER (PARTITION BY x.conversation ORDER BY x.n), x.last)",
    to: "x.last",
  },
  "a conversation stays in its period": {
    rule: "S49",
    file: "store/migration/bundled.ts",
    from: "AFTER UPDATE OF n ON tidings_conversation WHEN new.period IS NOT new.n >> 18 BEGIN",
    to: "AFTER UPDATE OF n ON tidings_conversation WHEN 0 BEGIN",
  },
  "the peer of a receipt stays in its period": {
    rule: "S49",
    file: "store/migration/bundled.ts",
    from: "WHERE conversation = new.conversation AND user IN (new.user, new.peer);",
    to: "WHERE conversation = new.conversation AND user IN (new.user);",
  },
  "news in a few conversations are overlooked": {
    rule: "S49",
    file: "store/read/reader.ts",
    from: "newest <= after",
    to: "newest <= after + 1",
  },
} satisfies Plants;
