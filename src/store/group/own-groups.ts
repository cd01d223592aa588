/**
 * Which places of a group exist for a user, and which of their groups have news. No statement writes a row for each member and message: what is new is found by
 * the groups that changed, or by the user's own groups, whichever are fewer.
 */

import type { Walked } from "../own-messages.ts";

/** A group's period: its last message is among 64 change numbers. The trigger of tidings_conversation moves it. */
const groupPeriodOf = (n: string): string => `(${n} >> 6)`;

/** If no more groups than this changed since a position, each is looked up among the user's; else each of the user's groups is looked at. */
const changedGroupsMax = 300;

/** Whether membership `g` learns of change number `n`. */
export const covers = (g: string, n: string): string =>
  `${n} > ${g}.joined_n AND (${g}.until_n IS NULL OR ${n} <= ${g}.until_n)`;

/** Whether membership `g` may read place `seq`. */
export const mayRead = (g: string, seq: string): string =>
  `${seq} > ${g}.since AND (${g}.until IS NULL OR ${seq} <= ${g}.until)`;

/** Whether message `m` is of a group, and user `user` learns of it. */
const isGroupMessageOf = (user: string, m: string): string => `${m}.recipient IS NULL AND EXISTS (
  SELECT 1 FROM tidings_group_member g WHERE g.conversation = ${m}.conversation AND g.user = ${user} AND ${covers("g", `${m}.n`)})`;

/** Whether message `m` is of a group, and user `user` may read it. */
export const isReadableIn = (user: string, m: string): string => `(${m}.recipient IS NULL AND EXISTS (
  SELECT 1 FROM tidings_group_member g WHERE g.conversation = ${m}.conversation AND g.user = ${user} AND ${mayRead("g", `${m}.seq`)}))`;

type Since = { readonly user: string; readonly n: string };

const changedSince = (n: string): string =>
  `tidings_conversation c INDEXED BY tidings_conversation_changed ON c.changed >= ${groupPeriodOf(n)}`;

/** Whether few groups changed since `n`. */
const isFew = (n: string): string => `(SELECT count(*) FROM (
  SELECT 1 FROM tidings_conversation f INDEXED BY tidings_conversation_changed WHERE f.changed >= ${groupPeriodOf(n)} LIMIT ${changedGroupsMax + 1}
)) <= ${changedGroupsMax}`;

/** Whether group `c` has messages after `n` that membership `g` is told of. */
const hasNews = (n: string): string => `c.n > max(${n}, g.joined_n) AND (g.until_n IS NULL OR g.until_n > ${n})`;

/** Whether the user is, or was, in any group. */
export const isInGroups = (user: string): string =>
  `EXISTS (SELECT 1 FROM tidings_group_member g INDEXED BY tidings_group_member_user WHERE g.user = ${user})`;

/** In how many of the user's groups there may be messages after `n`. */
export const groupsSince = ({ user, n }: Since): string => `CASE WHEN NOT ${isInGroups(user)} THEN 0
  WHEN ${isFew(n)} THEN (
    SELECT count(*) FROM (SELECT 1) CROSS JOIN ${changedSince(n)} CROSS JOIN tidings_group_member g ON g.conversation = c.key AND g.user = ${user} AND ${hasNews(n)})
  ELSE (SELECT count(*) FROM tidings_group_member g INDEXED BY tidings_group_member_user WHERE g.user = ${user}) END`;

/** One side of the choice between the groups that changed and the user's own. */
const changedArm = (from: string, isChosen: string): string => `
  SELECT w.i, max(w.after, g.joined_n) AS after, min(w.until, coalesce(g.until_n, w.until)) AS until, w.conversations, c.key AS conversation, c.n AS last
  FROM way w CROSS JOIN ${from} WHERE w.scanned IS NULL AND ${isChosen} AND ${hasNews("w.after")}`;

/** The groups of users, for `walkMessages`. */
export const groupsWalked: Walked = {
  changed: [
    changedArm(
      `${changedSince("w.after")} CROSS JOIN tidings_group_member g ON g.conversation = c.key AND g.user = w.user`,
      isFew("w.after"),
    ),
    changedArm(
      `tidings_group_member g INDEXED BY tidings_group_member_user ON g.user = w.user CROSS JOIN tidings_conversation c ON c.key = g.conversation`,
      `NOT ${isFew("w.after")}`,
    ),
  ].join(" UNION ALL"),
  isOwn: isGroupMessageOf,
};
