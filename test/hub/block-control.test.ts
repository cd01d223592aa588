import { describe, expect, test } from "bun:test";
import type { Alteration } from "../support/alter-source.ts";
import { alteredTests } from "../support/failing-tests.ts";

/** Bugs, each with the paths of the matrix that must show it: every path on which a block holds is among them. */
const bugs: readonly (readonly [string, readonly string[], Alteration])[] = [
  [
    "a send looks at no block",
    ["a send to the user", "a send to the conversation", "POST /messages"],
    {
      file: "store/sql.ts",
      from: "AND r.other = a.key AND r.blocked)\nRETURNING",
      to: "AND r.other = a.key AND r.blocked AND 0)\nRETURNING",
    },
  ],
  [
    "typing looks at no block",
    ["typing"],
    { file: "hub/handler/typing.ts", from: "if (!isBlockedBetween(tie)) hint", to: "if (tie) hint" },
  ],
  [
    "presence looks at no block",
    ["presence, in the snapshot", "presence, when it changes"],
    {
      file: "hub/watches.ts",
      from: "if (!tie || isBlockedBetween(tie)) return false;",
      to: "if (!tie) return false;",
    },
  ],
  [
    "a receipt is told through a block as it moves",
    ["a receipt, live", "a receipt, by an ack"],
    {
      file: "store/sql.ts",
      from: 'WHERE u.key = peer AND NOT ${isBlockedBetween("tidings_member.user", "tidings_member.peer")})',
      to: "WHERE u.key = peer)",
    },
  ],
  [
    "a receipt is replayed through a block",
    ["a receipt, in a replay"],
    {
      file: "store/sql.ts",
      from: 'AND p.n > 0 AND NOT ${isHiddenBetween("p.user", "p.peer", "p.n")} ORDER BY',
      to: "AND p.n > 0 ORDER BY",
    },
  ],
  [
    "the list of conversations looks at no block",
    ["a receipt, in the list of conversations"],
    {
      file: "store/history-sql.ts",
      from: 'CASE WHEN ${isBlockedBetween("counted.me", "counted.peer")} THEN NULL ELSE q.read END AS peer_read',
      to: "q.read AS peer_read",
    },
  ],
];

/** The paths of the matrix that fail under an alteration, each once. */
async function failing(alteration: Alteration): Promise<readonly string[]> {
  const { passed, names, output } = await alteredTests({ test: "test/hub/block.test.ts", alterations: [alteration] });
  // A matrix that does not even start fails whole, and would show nothing.
  if (passed === 0) throw new Error(`The matrix did not run: ${output.slice(-500)}`);
  const paths = names.flatMap((name) => /^a block > T3 B2 B3 (.+), where /.exec(name)?.[1] ?? []);
  return [...new Set(paths)].toSorted();
}

describe("the matrix of blocks", () => {
  for (const [name, paths, alteration] of bugs)
    test(`control: T3 where ${name}, just those paths show it`, async () => {
      expect(await failing(alteration)).toEqual(paths.toSorted());
    });
});
