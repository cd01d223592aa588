import type { CommitNotices } from "../../src/feed/commit-notices.ts";

/** The part of commit notices that divides commits, where a test divides none. */
export const withoutNeeds: Pick<CommitNotices, "audiences" | "divideWhile"> = {
  audiences: { add() {}, remove() {}, addAll: () => () => {} },
  divideWhile() {},
};
