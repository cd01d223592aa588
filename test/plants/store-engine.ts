import type { Plants } from "./plant.ts";

export const storeEngine = {
  "a restore takes the log away first": {
    rule: "D22",
    file: "store/engine/backup-file.ts",
    from: "  if (isReplaced) keep(file, kept);\n",
    to: "",
  },
  "a backup is a mere copy of the file": {
    rule: "D20",
    file: "store/engine/backup-file.ts",
    from: "source.exec(`VACUUM INTO '${part.replaceAll(\"'\", \"''\")}'`);",
    to: "copyFileSync(file, part);",
  },
  "a restore dies before its first step": {
    rule: "D22",
    file: "store/engine/backup-file.ts",
    from: "  if (isReplaced) keep(file, kept);",
    to: 'process.kill(process.pid, "SIGKILL");\n  if (isReplaced) keep(file, kept);',
  },
  "a restore dies after the second name": {
    rule: "D22",
    file: "store/engine/backup-file.ts",
    from: '  for (const side of ["-wal", "-journal"])',
    to: 'process.kill(process.pid, "SIGKILL");\n  for (const side of ["-wal", "-journal"])',
  },
  "a restore dies after the log has gone": {
    rule: "D22",
    file: "store/engine/backup-file.ts",
    from: `  renameSync(copy, file);
  sync(dirname(file));
  return`,
    to: `process.kill(process.pid, "SIGKILL");
  renameSync(copy, file);
  sync(dirname(file));
  return`,
  },
  "a restore dies after its last step": {
    rule: "D22",
    file: "store/engine/backup-file.ts",
    from: "  return isReplaced ? kept : undefined;",
    to: 'process.kill(process.pid, "SIGKILL");\n  return isReplaced ? kept : undefined;',
  },
  "the log is synced at checkpoints only": {
    rule: "D2",
    edits: [
      {
        file: "store/engine/connection.ts",
        from: "PRAGMA synchronous = FULL",
        to: "PRAGMA synchronous = NORMAL",
      },
      {
        file: "store/engine/connection.ts",
        from: '"synchronous", 2)',
        to: '"synchronous", 1)',
      },
    ],
  },
  "nothing is ever synced": {
    rule: "D2",
    edits: [
      {
        file: "store/engine/connection.ts",
        from: "PRAGMA synchronous = FULL",
        to: "PRAGMA synchronous = OFF",
      },
      {
        file: "store/engine/connection.ts",
        from: '"synchronous", 2)',
        to: '"synchronous", 0)',
      },
    ],
  },
  "data of a killed process is taken for durable": {
    rule: "E21 D2",
    file: "store/engine/connection.ts",
    from: "PRAGMA wal_checkpoint(PASSIVE)",
    to: "SELECT 1",
  },
  "a read returns data that is on no disk yet": {
    rule: "D2",
    file: "store/engine/open-file.ts",
    from: 'if (sync === "done" || (sync === "failed" && !isWrite)) return found;',
    to: 'if (sync === "done" || !isWrite) return found;',
  },
  "a file with several names is opened": {
    rule: "D23",
    file: "store/engine/embedded.ts",
    from: "  requireOneName(path);\n",
    to: "",
  },
  "a file that was taken away is written on": {
    rule: "D24",
    file: "store/engine/embedded.ts",
    from: "const fault = file.fault(true);",
    to: "const fault: Error | undefined = undefined as Error | undefined;",
  },
  "old nodes store messages that do not know each other": {
    rule: "S50",
    file: "store/migration/bundled.ts",
    from: "-- For nodes of an older release, which do not write it.\nCREATE TRIGGER tidings_message_prev AFTER INSERT ON tidings_message WHEN new.prev IS NULL BEGIN",
    to: "CREATE TRIGGER tidings_message_prev AFTER INSERT ON tidings_message WHEN 0 BEGIN",
  },
  "only the first piece of a migration is run": {
    rule: "M46",
    file: "store/migration/pieces.ts",
    from: "    after = upTo;\n",
    to: "    return;\n",
  },
  "statements are committed one by one": {
    rule: "D6",
    file: "store/engine/embedded.ts",
    from: 'connection.exec("BEGIN IMMEDIATE");',
    to: "connection.commit = async (): Promise<void> => {};",
  },
  "a file is opened with the log of another one": {
    rule: "D21",
    file: "store/engine/open-file.ts",
    from: "    requireOwnLog(file);\n",
    to: "",
  },
  /** No fault: it fills while a database grows, which is no leak. */
  "a page cache of so many bytes": {
    file: "store/engine/embedded.ts",
    from: "options.cacheBytes ?? 64 * 1024 * 1024",
    to: (bytes: number) => `options.cacheBytes ?? ${bytes}`,
  },
  "a damaged file is taken for any failure": {
    rule: "D26",
    file: "store/engine/failure.ts",
    from: "/^SQLITE_(CORRUPT|NOTADB)/",
    to: "/^NEVER$/",
  },
  "an app's own connection is not noticed": {
    rule: "D25",
    file: "store/engine/file-guard.ts",
    from: "if (isSharedHere(file))",
    to: "if (isSharedHere(file) && Number.NaN > 0)",
  },
  "an answer of the database that was another one's": {
    rule: "O10 D1 O3 Q4",
    file: "store/engine/read-queue.ts",
    from: "one.resolve(results.slice(at, (at += one.batch.length)));",
    to: "one.resolve(results.slice(0, (at += one.batch.length)));",
  },
  "a read is cut off by another one's deadline": {
    rule: "E25",
    file: "store/engine/read-queue.ts",
    from: "Math.max(...part.map(({ end }) => end))",
    to: "Math.min(...part.map(({ end }) => end))",
  },
  "reads that the network has lost are all asked for again": {
    rule: "E22",
    file: "store/engine/read-queue.ts",
    from: "part.length > 1 && isOnesOwn(error)",
    to: "part.length > 1",
  },
  "a request to the database that waits for ever": {
    rule: "O10",
    file: "store/engine/remote-client.ts",
    from: "cancel = clock.after(Math.max(0, end - start), () => {",
    to: "cancel = clock.after(1e12, () => {",
  },
  "a busy server's connections are thrown away": {
    rule: "E24",
    file: "store/engine/remote-client.ts",
    from: "if (!first.wasBusy()) distrust();",
    to: "distrust();",
  },
  "a database that is left alone for ever once it was down": {
    rule: "O10",
    file: "store/engine/remote.ts",
    from: "if (probes >= allowed)",
    to: "if (probes >= 0)",
  },
} satisfies Plants;
