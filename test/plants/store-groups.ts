import type { Plants } from "./plant.ts";

const ownGroups = "store/group/own-groups.ts";
const marks = "store/group/group-marks-sql.ts";
const members = "store/group/group-member-sql.ts";

/** Found by the contract of stores for groups. */
export const storeGroups = {
  "who joins is told of the change before": {
    rule: "GR1",
    file: ownGroups,
    from: "${n} > ${g}.joined_n",
    to: "${n} >= ${g}.joined_n",
  },
  "who leaves is not told of it": {
    rule: "GR1",
    file: ownGroups,
    from: "${n} <= ${g}.until_n",
    to: "${n} < ${g}.until_n",
  },
  "who has left is told of what comes later": {
    rule: "GR1",
    file: ownGroups,
    from: "min(w.until, coalesce(g.until_n, w.until)) AS until",
    to: "w.until AS until",
  },
  "who comes again is told of the time between": {
    rule: "GR1",
    file: ownGroups,
    from: "max(w.after, g.joined_n) AS after",
    to: "w.after AS after",
  },
  "who has left is not asked about any more": {
    rule: "GR1",
    file: ownGroups,
    from: "AND (g.until_n IS NULL OR g.until_n > ${n})`;\n\n/** Whether the user is",
    to: "AND g.until_n IS NULL`;\n\n/** Whether the user is",
  },
  "groups of another tenant's user of the same name are told": {
    rule: "GR1 T1",
    file: "store/read/log-sql.ts",
    from: "WHERE u.tenant = ?1 AND u.id = ?2 AND l.n > ?3 AND l.n <= ?5 AND ${isOwn",
    to: "WHERE u.id = ?2 AND l.n > ?3 AND l.n <= ?5 AND ${isOwn",
  },
  "the marks of a large group are told to all": {
    rule: "GR7",
    file: marks,
    from: "g.status = 0 AND k.size <= ${sizeMax}",
    to: "g.status = 0",
  },
  "a new member is told of marks from before": {
    rule: "GR7",
    file: marks,
    from: 'p.status = 0 AND ${covers("g", "p.mark_n")}',
    to: "p.status = 0",
  },
  "the marks of those who have left are told": {
    rule: "GR7",
    file: marks,
    from: "p.is_shared = 1 AND p.status = 0 AND",
    to: "p.is_shared = 1 AND",
  },
  "a device without groups delivers them": {
    rule: "GR7",
    file: marks,
    from: "AND d.device = ${field(2)})) >= ${groupKind.level}",
    to: "AND d.device = ${field(2)})) >= 1",
  },
  "who joined later counts as a reader": {
    rule: "GR8",
    file: marks,
    from: "r.read >= ?5 AND r.since < ?5 AND",
    to: "r.read >= ?5 AND",
  },
  "mentions of before a member joined are unread": {
    rule: "GR9",
    file: "store/group/group-list-sql.ts",
    from: "AND q.seq > ${firstUnread} AND",
    to: "AND q.seq > x.read AND",
  },
  "one's own call of all is a mention of oneself": {
    rule: "GR9",
    file: "store/group/group-list-sql.ts",
    from: "q.user IN (x.user, 0) AND q.sender <> x.user",
    to: "q.user IN (x.user, 0)",
  },
  "a retry with other mentions is the same message": {
    rule: "GR9",
    file: "store/write/settle-sends.ts",
    from: 'textOrNull(row, "text") === text && textOrNull(row, "mentions") === (mentioned ?? null)',
    to: 'textOrNull(row, "text") === text',
  },
  "a membership is told from one change on": {
    rule: "GR2",
    file: "store/group/group-log-sql.ts",
    from: "g.user = u.key AND g.n > ?3",
    to: "g.user = u.key AND g.n > ?3 + 1",
  },
  "what a member may read begins one place early": {
    rule: "GR4",
    file: "store/read/history-sql.ts",
    from: "const firstBelow = `coalesce(g.since, 0)`;",
    to: "const firstBelow = `coalesce(g.since - 1, 0)`;",
  },
  "what a member may read has no end": {
    rule: "GR4",
    file: "store/read/history-sql.ts",
    from: "const lastPlace = `min(c.seq, coalesce(g.until, c.seq))`;",
    to: "const lastPlace = `c.seq`;",
  },
  "events count as unread": {
    rule: "GR4",
    file: "store/group/group-list-sql.ts",
    from: " AND e.event IS NULL",
    to: "",
  },
  "the last owner leaves the others behind": {
    rule: "GR3",
    file: members,
    from: "AND NOT (${isLastOwner} AND",
    to: "AND NOT (0 AND",
  },
  "an admin removes an owner": {
    rule: "GR3",
    file: members,
    from: " AND a.role > tidings_group_member.role))",
    to: "))",
  },
  "who was removed from an open group joins again": {
    rule: "GR3",
    file: members,
    from: " AND (o.status IS NULL OR o.status = 1)",
    to: "",
  },
  "who comes again keeps the place where they left": {
    rule: "GR2",
    file: members,
    from: "until = NULL,\n  joined",
    to: "until = tidings_group_member.until,\n  joined",
  },
  "who has left may still write": {
    rule: "GR3",
    file: "store/write/send-sql.ts",
    from: "g.user = a.key AND g.status = 0",
    to: "g.user = a.key",
  },
} as const satisfies Plants;
