import { CString, dlopen, FFIType, type Pointer, ptr } from "bun:ffi";
import type { Engine, Row, Statement, Value } from "../../src/store/engine/engine.ts";

const { cstring, i32, i64, ptr: pointer } = FFIType;

/** SQLite's own library, which counts the steps of a statement: the driver does not. */
const library = () =>
  dlopen("libsqlite3.so.0", {
    sqlite3_open: { args: [cstring, pointer], returns: i32 },
    sqlite3_close_v2: { args: [pointer], returns: i32 },
    sqlite3_prepare_v2: { args: [pointer, cstring, i32, pointer, pointer], returns: i32 },
    sqlite3_bind_null: { args: [pointer, i32], returns: i32 },
    sqlite3_bind_int64: { args: [pointer, i32, i64], returns: i32 },
    sqlite3_bind_text: { args: [pointer, i32, cstring, i32, i64], returns: i32 },
    sqlite3_step: { args: [pointer], returns: i32 },
    sqlite3_finalize: { args: [pointer], returns: i32 },
    sqlite3_column_count: { args: [pointer], returns: i32 },
    sqlite3_column_type: { args: [pointer, i32], returns: i32 },
    sqlite3_column_name: { args: [pointer, i32], returns: pointer },
    sqlite3_column_int64: { args: [pointer, i32], returns: i64 },
    sqlite3_column_text: { args: [pointer, i32], returns: pointer },
    sqlite3_errmsg: { args: [pointer], returns: pointer },
    sqlite3_stmt_status: { args: [pointer, i32, i32], returns: i32 },
  }).symbols;

const [row, done, integer, nothing, vmSteps] = [100, 101, 1, 5, 4];
/** Makes SQLite copy the bound values. */
const transient = -1n;
const bytesOf = (text: string): Uint8Array => Buffer.from(`${text}\0`);

export type CountingEngine = Engine & {
  /** The most steps of SQLite's machine that each statement took in one run, by its text. They are the same on every machine. */
  readonly steps: Map<string, number>;
};

/** An engine on a new database file that counts; for tests only: it is not durable. */
export function createCountingEngine(path: string): CountingEngine {
  const sqlite = library();
  const steps = new Map<string, number>();
  const out = new BigUint64Array(1);
  const text = (at: unknown): string => (at === null ? "" : new CString(at as Pointer).toString());
  const opened = (code: number): Pointer => {
    const at = Number(out[0]) as Pointer;
    if (code !== 0) throw new Error(`SQLite says ${code}: ${database ? text(sqlite.sqlite3_errmsg(database)) : ""}`);
    return at;
  };
  let database: Pointer | null = null;
  database = opened(sqlite.sqlite3_open(ptr(bytesOf(path)), ptr(out)));

  function bind(statement: Pointer, args: readonly Value[]): void {
    for (const [i, value] of args.entries()) {
      if (value === null) sqlite.sqlite3_bind_null(statement, i + 1);
      else if (typeof value === "number") sqlite.sqlite3_bind_int64(statement, i + 1, BigInt(value));
      else sqlite.sqlite3_bind_text(statement, i + 1, ptr(bytesOf(value)), -1, transient);
    }
  }

  function rowOf(statement: Pointer): Row {
    const found: Row = {};
    for (let i = 0; i < sqlite.sqlite3_column_count(statement); i++) {
      const type = sqlite.sqlite3_column_type(statement, i);
      const name = text(sqlite.sqlite3_column_name(statement, i));
      if (type === nothing) found[name] = null;
      else if (type === integer) found[name] = Number(sqlite.sqlite3_column_int64(statement, i));
      else found[name] = text(sqlite.sqlite3_column_text(statement, i));
    }
    return found;
  }

  function run({ sql: asked, args = [] }: Statement): Row[] {
    // Debian's SQLite is older than the driver's. Where the driver's reads only a text's length, this one reads the text: it takes as many steps.
    const sql = asked.replaceAll("octet_length(", "length(");
    const statement = opened(sqlite.sqlite3_prepare_v2(database, ptr(bytesOf(sql)), -1, ptr(out), null));
    try {
      bind(statement, args);
      const rows: Row[] = [];
      let code = sqlite.sqlite3_step(statement);
      for (; code === row; code = sqlite.sqlite3_step(statement)) rows.push(rowOf(statement));
      if (code !== done) opened(code);
      const taken = sqlite.sqlite3_stmt_status(statement, vmSteps, 0);
      steps.set(asked, Math.max(steps.get(asked) ?? 0, taken));
      return rows;
    } finally {
      sqlite.sqlite3_finalize(statement);
    }
  }

  function call(begin: string, statements: readonly Statement[]): Row[][] {
    run({ sql: begin });
    try {
      const results = statements.map(run);
      run({ sql: "COMMIT" });
      return results;
    } catch (error) {
      run({ sql: "ROLLBACK" });
      throw error;
    }
  }

  run({ sql: "PRAGMA journal_mode = MEMORY" });
  run({ sql: "PRAGMA synchronous = OFF" });
  run({ sql: "PRAGMA cache_size = -65536" });
  return {
    steps,
    read: async (statements) => call("BEGIN", statements),
    write: async (statements) => call("BEGIN IMMEDIATE", statements),
    async close() {
      if (database !== null) sqlite.sqlite3_close_v2(database);
      database = null;
    },
  };
}
