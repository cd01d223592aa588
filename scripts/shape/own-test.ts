import { isBinaryExpression, type Node, type SourceFile, SyntaxKind } from "typescript/unstable/ast";
import type { Module } from "../syntax.ts";

/** A file with this many branches has a test of its own. Those with fewer are types, tables, SQL and wiring. */
export const branchesMin = 5;

/** Folders of which the tests show what a user sees, and not one file each: a file in them may have a test of its own. */
const byBehaviour = /^src\/(client|conform|react|web)\//;

/** The test that shows a file without a test of its own: the file wires others, or means something only together with them. */
export const shownBy: Readonly<Record<string, string>> = {
  "src/action/group.ts": "test/http/groups.test.ts",
  "src/chat-groups.ts": "test/http/groups.test.ts",
  "src/http/route/groups.ts": "test/http/groups.test.ts",
  "src/action/invite.ts": "test/http/invites.test.ts",
  "src/http/route/invites.ts": "test/http/invites.test.ts",
  "src/store/group/invite-store.ts": "test/store/invites.test.ts",
  "src/adapter/bun.ts": "test/protocol/protocol.test.ts",
  "src/adapter/hono.ts": "test/adapter/protocol/hono-node.test.ts",
  "src/adapter/node.ts": "test/adapter/protocol/node.test.ts",
  "src/chat-databases.ts": "test/tenant/databases.test.ts",
  "src/cli/conform.ts": "test/conform/client.test.ts",
  "src/cli/migrate.ts": "test/store/migration/script.test.ts",
  "src/log/message.ts": "test/log/log-kinds.test.ts",
  "src/store/group/create-group-store.ts": "test/store/groups.test.ts",
  "src/store/group/group-commit.ts": "test/store/groups.test.ts",
  "src/store/group/group-rows.ts": "test/store/groups.test.ts",
  "src/store/migration/early-contraction.ts": "test/store/upgrade.test.ts",
  "src/store/read/log-rows.ts": "test/store/store.test.ts",
  "src/hub/people.ts": "test/hub/presence.test.ts",
  "src/mui/read-marks.ts": "test/mui/use-mui-chat.test.ts",
  "src/store/write/mark-map.ts": "test/store/write/marks.test.ts",
  "src/store/write/waiting-acks.ts": "test/store/write/marks.test.ts",
  "src/standalone/main.ts": "test/standalone/server.test.ts",
  "src/standalone/site.ts": "test/web/site.test.ts",
  "src/standalone/web-file.ts": "test/web/site.test.ts",
  "src/store/engine/backup-file.ts": "test/store/restore.test.ts",
  "src/store/engine/open-file.ts": "test/store/engine/file-guard.test.ts",
  "src/store/engine/own-handles.ts": "test/store/engine/file-guard.test.ts",
  "src/store/engine/remote.ts": "test/store/engine.test.ts",
  "src/store/libsql-store.ts": "test/store/store.test.ts",
  "src/tenant/database.ts": "test/tenant/history-change.test.ts",
  "src/tenant/runtime.ts": "test/tenant/databases.test.ts",
};

const branchKinds: ReadonlySet<SyntaxKind> = new Set([
  SyntaxKind.IfStatement,
  SyntaxKind.ForStatement,
  SyntaxKind.ForOfStatement,
  SyntaxKind.ForInStatement,
  SyntaxKind.WhileStatement,
  SyntaxKind.DoStatement,
  SyntaxKind.CaseClause,
  SyntaxKind.ConditionalExpression,
  SyntaxKind.CatchClause,
]);

const branchOperators: ReadonlySet<SyntaxKind> = new Set([
  SyntaxKind.AmpersandAmpersandToken,
  SyntaxKind.BarBarToken,
  SyntaxKind.QuestionQuestionToken,
  SyntaxKind.QuestionQuestionEqualsToken,
]);

/** The places where a file goes on in one of two ways: conditions, loops, cases, `&&`, `||`, `??` and `catch`. */
export function branchesOf(tree: SourceFile): number {
  let branches = 0;
  const visit = (node: Node): void => {
    if (branchKinds.has(node.kind)) branches++;
    if (isBinaryExpression(node) && branchOperators.has(node.operatorToken.kind)) branches++;
    node.forEachChild(visit);
  };
  visit(tree);
  return branches;
}

/** The path of a file's own test: `src/hub/registry.ts` has `test/hub/registry.test.ts`. */
const ownTestOf = (file: string): string => file.replace(/^src\//, "test/").replace(/\.tsx?$/, ".test.ts");

type Tests = {
  /** The test files, named from the root. */
  readonly tests: ReadonlySet<string>;
  readonly shownBy: Readonly<Record<string, string>>;
};

/** Files with logic that have no test of their own and are not in the table; and entries of the table that are wrong or needless. */
export function ownTestViolations(modules: readonly Module[], { tests, shownBy: table }: Tests): readonly string[] {
  const branches = new Map(modules.map(({ file, tree }) => [file, branchesOf(tree)]));
  const missing = [...branches].filter(
    ([file, count]) =>
      count >= branchesMin && !byBehaviour.test(file) && !tests.has(ownTestOf(file)) && !Object.hasOwn(table, file),
  );
  return [
    ...missing.map(
      ([file, count]) =>
        `${file}: has ${count} branches and no ${ownTestOf(file)}: write it, or name the test that shows the file in scripts/shape/own-test.ts`,
    ),
    ...Object.entries(table).flatMap(([file, test]) => {
      const count = branches.get(file);
      if (count === undefined) return [`${file}: is in the table of own-test.ts, and is no file`];
      if (!tests.has(test)) return [`${file}: ${test}, which should show it, is no test`];
      if (tests.has(ownTestOf(file)))
        return [`${file}: has a test of its own: remove it from the table of own-test.ts`];
      return count < branchesMin ? [`${file}: has ${count} branches: remove it from the table of own-test.ts`] : [];
    }),
  ];
}
