import { ChatError } from "../../../src/error.ts";
import { failure } from "../../../src/store/engine/failure.ts";
import type { Engine, Row, Statement } from "../../../src/store/engine/engine.ts";
import type { Timeline } from "../sim/timeline.ts";
import { type DriverFault, withDriverFault } from "./driver-fault.ts";

/** The failure of one call. The first group is a server far away, the second the driver of a file. */
export const modes = [
  "before: nothing happened, then an error",
  "after: it was committed, then an error",
  "answer lost: it was committed, and the connection broke much later",
  "hang: never carried out, the deadline passes",
  "hang: carried out, the deadline passes",
  "hang: carried out after the deadline has passed",
  "502 before it was carried out",
  "502 after it was carried out",
  "busy at begin",
  "full in a statement",
  "full at commit",
  "io error in a statement",
  "io error at commit",
  "io error, but committed",
] as const;

export type Mode = (typeof modes)[number];

const driverFaults: Partial<Record<Mode, Pick<DriverFault, "code" | "at">>> = {
  "busy at begin": { code: "SQLITE_BUSY", at: "begin" },
  "full in a statement": { code: "SQLITE_FULL", at: "statement" },
  "full at commit": { code: "SQLITE_FULL", at: "commit" },
  "io error in a statement": { code: "SQLITE_IOERR", at: "statement" },
  "io error at commit": { code: "SQLITE_IOERR", at: "commit" },
  "io error, but committed": { code: "SQLITE_IOERR", at: "committed" },
};

/** Whether it models a local file, so that calls take no time of the event loop. */
export const isOfFile = (mode: Mode): boolean => driverFaults[mode] !== undefined;

export type FaultyOptions = {
  readonly inner: Engine;
  readonly timeline: Timeline;
  /** The failure of call number `n`, from 1; null: none. */
  readonly plan: (n: number) => Mode | null;
  /** The time of a call on its way, and again on its way back. */
  readonly wayMs: number;
  /** Called just before a call's failure is reported, with the ids of its sends. */
  readonly onFailure: (failure: { n: number; mode: Mode; sends: readonly string[] }) => void;
};

const deadlineMs = 2_000;
const lateMs = 300;
const lostMs = 700;

/** The real engine; its calls are counted and fail as planned. */
export function createFaultyEngine({ inner, timeline, plan, wayMs, onFailure }: FaultyOptions) {
  let calls = 0;

  function over(kind: "read" | "write") {
    return async (statements: readonly Statement[]): Promise<Row[][]> => {
      calls += 1;
      const n = calls;
      const mode = plan(n);
      const begun = timeline.now();
      if (wayMs > 0) await timeline.sleep(wayMs);
      if (mode === null) {
        const rows = await inner[kind](statements);
        if (wayMs > 0) await timeline.sleep(wayMs);
        return rows;
      }
      try {
        return await fail({ kind, statements, mode, n, begun });
      } catch (error) {
        onFailure({ n, mode, sends: sendsIn(statements) });
        throw error;
      }
    };
  }

  type Failing = { kind: "read" | "write"; statements: readonly Statement[]; mode: Mode; n: number; begun: number };

  async function fail({ kind, statements, mode, n, begun }: Failing): Promise<Row[][]> {
    const call = (): Promise<Row[][]> => inner[kind](statements);
    const onFile = driverFaults[mode];
    if (onFile) {
      // One statement alone has no transaction around it.
      const at = kind === "read" && statements.length === 1 ? "statement" : onFile.at;
      const statement = at === onFile.at ? n % statements.length : 0;
      return await withDriverFault({ code: onFile.code, at, statement }, call);
    }
    const deadline = async (): Promise<never> => {
      await timeline.sleep(begun + deadlineMs - timeline.now());
      throw new ChatError("unavailable", `The database server did not answer within ${deadlineMs} ms`);
    };
    switch (mode) {
      case "before: nothing happened, then an error":
        throw failure(new Error("planted"));
      case "after: it was committed, then an error":
        await call();
        throw failure(new Error("planted"));
      case "answer lost: it was committed, and the connection broke much later":
        await call();
        await timeline.sleep(lostMs);
        throw failure(new TypeError("fetch failed", { cause: new Error("ECONNRESET") }));
      case "hang: never carried out, the deadline passes":
        return await deadline();
      case "hang: carried out, the deadline passes":
        await call();
        return await deadline();
      case "hang: carried out after the deadline has passed":
        void timeline.after(deadlineMs + lateMs, () => void call().catch(() => {}));
        return await deadline();
      case "502 before it was carried out":
        throw failure(new Error("SERVER_ERROR: Server returned HTTP status 502"));
      case "502 after it was carried out":
        await call();
        throw failure(new Error("SERVER_ERROR: Server returned HTTP status 502"));
      default:
        throw new Error(`No such mode: ${mode}`);
    }
  }

  const engine: Engine = { read: over("read"), write: over("write"), close: async () => {} };
  return { engine, calls: (): number => calls };
}

/** The ids of the sends that a call writes or looks up: no other statement has rows as long. */
function sendsIn(statements: readonly Statement[]): string[] {
  return statements.flatMap(({ args: [first] = [] }) => {
    if (typeof first !== "string" || !first.startsWith("[[")) return [];
    const rows = JSON.parse(first) as readonly (readonly unknown[])[];
    return rows.filter((row) => row.length >= 5).map((row) => String(row[4]));
  });
}
