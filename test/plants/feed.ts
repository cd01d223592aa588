import type { Plants } from "./plant.ts";

export const feed = {
  "a gap in the log that is jumped": {
    rule: "O5 O3 D1",
    file: "feed/feed.ts",
    from: "if (commit.from === position && !filling) apply",
    to: "if (!filling) apply",
  },
  "a commit is announced during a read of the log, and again with it": {
    rule: "F1",
    file: "feed/feed.ts",
    from: "commit.from === position && !filling",
    to: "commit.from === position",
  },
  "a read of the log overtakes the answers to the senders": {
    rule: "H3",
    file: "feed/feed.ts",
    from: "        await store.settled();\n",
    to: "",
  },
  "an announced entry that is missing is read again and again": {
    rule: "R1",
    file: "feed/feed.ts",
    from: "if (stretch.upTo <= position) return false;",
    to: "",
  },
  "a hint that comes as a gap was read is forgotten": {
    rule: "O10",
    file: "feed/feed.ts",
    from: "if (isWhole) fillUpTo",
    to: "if (!isWhole) fillUpTo",
  },
  "a stretch of a commit that claims all of it": {
    rule: "O10 D1",
    file: "feed/commit-notices.ts",
    from: "yield stretchUpTo(upTo);",
    to: "yield stretchUpTo(to);",
  },
  "a hint that goes backwards is believed": {
    rule: "F5",
    file: "feed/notice-text.ts",
    from: " || from > to) return null",
    to: ") return null",
  },
  "rows of a hint are believed whatever they are": {
    rule: "F5",
    file: "feed/notice-text.ts",
    from: "if (entries.every(isEntry))",
    to: "if (entries.length > 0)",
  },
  "an unknown kind is taken from the bus as it is": {
    rule: "O11",
    file: "feed/notice-text.ts",
    from: '  if (typeof unknown === "string") return { unknown };\n  if (entries.every(isEntry)) return',
    to: "  if (entries.every((each) => isEntry(each) || unknown)) return",
  },
  "an unknown kind is left out": {
    rule: "O11",
    file: "feed/notice-text.ts",
    from: "return { unknown };\n  if (entries",
    to: "return { from, to, entries: [] };\n  if (entries",
  },
  "the bus of another database is believed": {
    rule: "T1 R9",
    file: "feed/commit-notices.ts",
    from: '=> ["commits", epoch];',
    to: '=> ["commits", epoch.slice(0, 0) || "all"];',
  },
  "a divided commit that names one audience too few": {
    rule: "F21 O3 O5 O10",
    file: "feed/commit-notices.ts",
    from: '[...parts.keys()].join("")',
    to: '[...parts.keys()].slice(1).join("")',
  },
  "a position that passes rows which did not come": {
    rule: "F21 O3 O5 O10",
    file: "feed/assembly.ts",
    from: "if (!isWhole(names, has)) return false;",
    to: "",
  },
  "a user who came while a commit waited goes without it": {
    rule: "F21 O3 O5 O10",
    file: "feed/feed.ts",
    from: "      if (next.isStillWhole?.() === false) return fillUpTo(next.to);\n",
    to: "",
  },
  "the sender of notifications gets the rows of its own users": {
    rule: "F21 U2 U5 U3",
    file: "push/worker.ts",
    from: "endNeed = feed.needAll();",
    to: "",
  },
  "an ended session is known only where its user is connected": {
    rule: "F23 T5",
    file: "log/revocation.ts",
    from: "isForAllNodes: () => true",
    to: "isForAllNodes: () => false",
  },
  "commits are divided among nodes that do not understand it": {
    rule: "F22",
    file: "hub/peers.ts",
    from: " && dividing.size === seen.size",
    to: "",
  },
  "a worker never checks its lease": {
    rule: "U8",
    file: "feed/lease.ts",
    from: "held !== null && clock.elapsed() - held.renewedAt < leaseMs * trustedPart",
    to: "held !== null",
  },
} satisfies Plants;
