import type { Plants } from "./plant.ts";

export const hubPeople = {
  "typing is echoed to its sender": {
    rule: "T3",
    file: "hub/frame/typing.ts",
    from: "members.filter((member) => member !== user)",
    to: "members.filter(() => true)",
  },
  "typing looks at no block": {
    rule: "T3",
    file: "hub/frame/typing.ts",
    from: "if (!isBlockedBetween(relationship)) sendVolatile",
    to: "if (relationship) sendVolatile",
  },
  "the host is asked about a conversation of others": {
    rule: "T4",
    file: "access/policy.ts",
    from: "if (!members.includes(identity.user)) return",
    to: "if (!members) return",
  },
  "the host is asked about all at once": {
    rule: "R23",
    file: "access/policy.ts",
    from: "sightsAtOnce = 64",
    to: "sightsAtOnce = 1_000_000",
  },
  "a presence grace goes on after a return": {
    rule: "B6",
    file: "hub/presence.ts",
    from: "if (online.has(key)) return graces.cancel(key);",
    to: "if (online.has(key)) return;",
  },
  "relations between users are remembered for ever": {
    rule: "B6",
    file: "log/relation.ts",
    from: "      forgetRelationship?.(tenant, user, other);\n",
    to: "",
  },
  "an answer from before a block is remembered after it": {
    rule: "T3",
    file: "hub/relationship-cache.ts",
    from: "if (changes === before) known.set(",
    to: "if (before >= 0) known.set(",
  },
  "each viewer is a question of their own": {
    rule: "R23",
    file: "hub/relationship-cache.ts",
    from: "(parts.get(identityKey(other)) ?? 0) > (parts.get(identityKey(identity)) ?? 0)",
    to: "false",
  },
  "nothing bounds the watched users": {
    rule: "R22",
    file: "hub/watch-budget.ts",
    from: "if (after > before && total > (after <= fewMax ? allMax : allMax / 2)) return false;",
    to: "",
  },
  "the presence of an unwatched user is still sent": {
    rule: "B6",
    file: "hub/presence-notifier.ts",
    from: 'of watch.phase === "ended" ? [] : users.entries()',
    to: "of users.entries()",
  },
  "presence looks at no block": {
    rule: "T3",
    file: "hub/presence-sight.ts",
    from: "if (!relationship || isBlockedBetween(relationship)) return false;",
    to: "if (!relationship) return false;",
  },
  "watched users are not given back": {
    rule: "R22",
    file: "hub/watches.ts",
    from: "    budget.move(watch.users.size, 0);\n",
    to: "",
  },
  "a last-seen time is read again and again": {
    rule: "R23",
    file: "hub/presence-sight.ts",
    from: "now - subject.seen.readAt < seenHoldsMs",
    to: "now < 0",
  },
  "all viewers are notified in one turn": {
    rule: "R23",
    file: "hub/watch-queue.ts",
    from: "pairsAtOnce = 500",
    to: "pairsAtOnce = 1_000_000",
  },
  "all long watches are taken up in one turn": {
    rule: "R23",
    file: "hub/watches.ts",
    from: "namesAtOnce = 1_000",
    to: "namesAtOnce = 1_000_000",
  },
} satisfies Plants;
