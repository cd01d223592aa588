import Database from "libsql";
import PromiseDatabase from "libsql/promise";

/** The place in one call of the embedded engine where its driver fails, and SQLite's error. */
export type DriverFault = {
  readonly code: keyof typeof raw;
  /** "committed": the commit has happened, although the driver reports a failure. */
  readonly at: "begin" | "statement" | "commit" | "committed";
  /** The number of the statement, from 0, where `at` needs it. */
  readonly statement: number;
};

const raw = {
  SQLITE_BUSY: 5,
  SQLITE_FULL: 13,
  SQLITE_IOERR: 10,
  SQLITE_CORRUPT: 11,
  SQLITE_NOTADB: 26,
} as const;
const texts = {
  SQLITE_BUSY: "database is locked",
  SQLITE_FULL: "database or disk is full",
  SQLITE_IOERR: "disk I/O error",
  SQLITE_CORRUPT: "database disk image is malformed",
  SQLITE_NOTADB: "file is not a database",
} as const;

type Exec = (this: unknown, sql: string) => unknown;
type ExecAside = (this: unknown, sql: string) => Promise<unknown>;
type Step = (this: unknown, args: unknown) => unknown;

/**
 * Makes the call, which must run synchronously up to its commit, while the real driver fails once at the given place: the engine's own
 * code runs, with its transaction, its discarded connection and the next one.
 */
export function withDriverFault<Result>({ code, at, statement }: DriverFault, call: () => Result): Result {
  const connection = Database.prototype as unknown as { exec: Exec };
  const aside = PromiseDatabase.prototype as unknown as { exec: ExecAside };
  const prepared = statementPrototype();
  const real = { exec: connection.exec, aside: aside.exec, all: prepared.all, run: prepared.run };
  let isDone = false;
  let steps = 0;
  const fail = (): never => {
    isDone = true;
    throw errorOf(code);
  };
  connection.exec = function exec(sql) {
    if (!isDone && at === "begin" && sql.startsWith("BEGIN")) fail();
    if (!isDone && at === "commit" && sql === "COMMIT") fail();
    const result = real.exec.call(this, sql);
    if (!isDone && at === "committed" && sql === "COMMIT") fail();
    return result;
  };
  // The commit of a write.
  aside.exec = async function exec(sql) {
    const isHere = !isDone && sql === "COMMIT" && (at === "commit" || at === "committed");
    if (isHere) isDone = true;
    if (isHere && at === "commit") throw errorOf(code);
    const result = await real.aside.call(this, sql);
    if (isHere) throw errorOf(code);
    return result;
  };
  const step = (method: Step): Step =>
    function run(args) {
      if (!isDone && at === "statement" && steps++ === statement) fail();
      return method.call(this, args);
    };
  prepared.all = step(real.all);
  prepared.run = step(real.run);
  try {
    return call();
  } finally {
    connection.exec = real.exec;
    aside.exec = real.aside;
    prepared.all = real.all;
    prepared.run = real.run;
  }
}

const errorOf = (code: keyof typeof raw): Error => new Database.SqliteError(texts[code], code, raw[code]);

let known: { all: Step; run: Step } | null = null;

/** The driver exports no class for its statements; any statement leads to it. */
function statementPrototype(): { all: Step; run: Step } {
  if (known) return known;
  const database = new Database(":memory:");
  known = Object.getPrototypeOf(database.prepare("SELECT 1")) as { all: Step; run: Step };
  database.close();
  return known;
}
