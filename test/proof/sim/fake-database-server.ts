import type { Engine, Row, Statement, Value } from "../../../src/store/engine/engine.ts";
import type { Chance } from "./chance.ts";
import { PlantedFailure } from "./planted-failure.ts";

type Typed = { readonly type: string; readonly value?: string | number };
type Step = { readonly stmt: { readonly sql?: string; readonly sql_id?: number; readonly args?: readonly Typed[] } };
type Asked =
  | { readonly type: "store_sql"; readonly sql_id: number; readonly sql: string }
  | { readonly type: "batch"; readonly batch: { readonly steps: readonly Step[] } }
  | { readonly type: "close" };

const modes: Readonly<Record<string, "read" | "write">> = {
  "BEGIN TRANSACTION READONLY": "read",
  "BEGIN IMMEDIATE": "write",
};

const fromWire = ({ type, value }: Typed): Value =>
  (type === "null" ? null : type === "integer" ? Number(value) : value) ?? null;

function toWire(value: Value): Typed {
  if (value === null) return { type: "null" };
  if (typeof value === "string") return { type: "text", value };
  return Number.isInteger(value) ? { type: "integer", value: String(value) } : { type: "float", value };
}

const toResult = (rows: readonly Row[]) => ({
  cols: Object.keys(rows[0] ?? {}).map((name) => ({ name })),
  rows: rows.map((row) => Object.values(row).map(toWire)),
  affected_row_count: 0,
});

/**
 * A libSQL server on top of an engine. It knows one batch per request of Hrana 2 over HTTP
 * (https://github.com/tursodatabase/libsql/blob/main/docs/HTTP_V2_SPEC.md). Faults on the way to it look as a real server's proxies
 * and networks make them: a gateway's status, a broken connection, or silence.
 */
export function createFakeDatabaseServer(engine: Engine, chance: Chance) {
  return async (request: Request): Promise<Response> => {
    const { requests } = (await request.json()) as { readonly requests: readonly Asked[] };
    const texts = new Map<number, string>();
    const results: unknown[] = [];
    for (const asked of requests) {
      let response: unknown = { type: asked.type };
      if (asked.type === "store_sql") texts.set(asked.sql_id, asked.sql);
      if (asked.type === "batch") {
        const [mode, statements] = readBatch(asked.batch.steps, texts);
        try {
          const all = await engine[mode](statements);
          const empty = toResult([]);
          const steps = [empty, ...all.map(toResult), empty, null];
          response = { type: "batch", result: { step_results: steps, step_errors: steps.map(() => null) } };
        } catch (error) {
          const isBusy = error instanceof PlantedFailure && error.isRefusal && chance.hits(0.3);
          if (error instanceof PlantedFailure && !isBusy) return breakDown(chance, error);
          const none = [null, ...statements.map(() => null), null, null];
          const [failed, code] = isBusy ? [0, "SQLITE_BUSY"] : [1, "SQLITE_ERROR"];
          const errors = none.with(failed, { message: String(error), code } as never);
          response = { type: "batch", result: { step_results: none, step_errors: errors } };
        }
      }
      results.push({ type: "ok", response });
    }
    return Response.json({ baton: null, base_url: null, results });
  };
}

/** The statements between BEGIN and COMMIT. The client's batch ends with a ROLLBACK, for the case that one fails. */
function readBatch(steps: readonly Step[], texts: ReadonlyMap<number, string>): ["read" | "write", Statement[]] {
  const all = steps.map(({ stmt }) => ({
    sql: stmt.sql ?? texts.get(stmt.sql_id ?? -1) ?? "",
    args: (stmt.args ?? []).map(fromWire),
  }));
  const mode = modes[all[0]?.sql ?? ""];
  const end = all.slice(-2).map(({ sql }) => sql);
  if (!mode || end.join() !== "COMMIT,ROLLBACK") throw new Error(`Not a batch of the client: ${JSON.stringify(all)}`);
  return [mode, all.slice(1, -2)];
}

function breakDown(chance: Chance, { isSilence, isRefusal, message }: PlantedFailure): Response | Promise<Response> {
  if (isSilence) return new Promise(() => {});
  const status = chance.pick([502, 503, isRefusal ? 429 : 504, null]);
  if (status === null) throw new TypeError("fetch failed");
  return new Response(message, { status });
}
