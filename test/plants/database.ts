import type { Plants } from "./plant.ts";

export const database = {
  "sockets of a history that has ended": {
    rule: "D31 O10",
    file: "tenant/database.ts",
    from: "    leave(current);\n",
    to: "",
  },
  "a hub of a history that has ended": {
    rule: "D31 O10",
    file: "tenant/database.ts",
    from: "          current = next;\n",
    to: "",
  },
  "a name that comes back": {
    rule: "D32",
    file: "tenant/histories.ts",
    from: "      const n = before.get(head.epoch) ?? 0;\n",
    to: `      const n = head.epoch === left ? (before.get(left) ?? 0) : 0;
      ended.clear();
`,
  },
  "a database that went back keeps its name": {
    rule: "D32",
    file: "tenant/histories.ts",
    from: "if (head.n < n) {",
    to: "if (head.n < n && head.n < 0) {",
  },
  "a name that has ended is taken as it comes back": {
    rule: "D32",
    file: "tenant/histories.ts",
    from: "if (epoch !== left) ended.add(left);",
    to: "",
  },
  "a database is opened before it is closed": {
    rule: "K11 K12",
    edits: [
      {
        file: "tenant/entries.ts",
        from: "        await database.released;\n",
        to: "",
      },
      {
        file: "tenant/entries.ts",
        from: "await database.close(closingMs, reason);",
        to: "void database.close(closingMs, reason);",
      },
    ],
  },
  "idle sockets keep a tenant out": {
    rule: "R24",
    file: "tenant/unused.ts",
    from: "?? (await longestQuiet())",
    to: "",
  },
  "a database that was just opened gives way": {
    rule: "R24",
    file: "tenant/unused.ts",
    from: "entry.isQuietFor(limits.databaseStayMs)",
    to: "entry.isQuietFor(0)",
  },
  "nothing bounds the open databases": {
    rule: "K11",
    file: "tenant/entries.ts",
    from: "if (taken < limits.databasesMax) return void taken++;",
    to: "return void taken++;",
  },
  "a stranger's ticket makes a database": {
    rule: "K11 T6",
    file: "tenant/tenant-tickets.ts",
    from: "if (!isHere && !(await mayHaveIssued(tenant))) return null;",
    to: "",
  },
  "a database is used for another tenant too": {
    rule: "K11 T1",
    file: "tenant/per-tenant.ts",
    from: "entries.get(named.url) ?? entries.begin(named, attempt)",
    to: "entries.values().next().value ?? entries.begin(named, attempt)",
  },
  "the feed of the old history goes on": {
    rule: "D31",
    file: "tenant/runtime.ts",
    from: `    made.worker?.abandon();
    feed.stop();
`,
    to: "    made.worker?.abandon();\n",
  },
  "the push worker of the old history goes on": {
    rule: "D31",
    file: "tenant/runtime.ts",
    from: "    made.worker?.abandon();\n",
    to: "",
  },
  "limits of connections hold for each database by itself": {
    rule: "K12",
    edits: [
      {
        file: "tenant/runtime.ts",
        from: "limiter, capacity, budget, revalidation, report }",
        to: "limiter, budget, revalidation, report }",
      },
      {
        file: "chat.ts",
        from: 'const hasRoom: AdmitOptions["hasRoom"] = (session, address) => capacity.has({ session, address });',
        to: "const hasRoom = (): boolean => true;",
      },
    ],
  },
  "a node that starts looks at no revocations": {
    rule: "T7",
    file: "tenant/runtime.ts",
    from: "hub.noteRevocations(await",
    to: "((_: unknown) => {})(await",
  },
} satisfies Plants;
