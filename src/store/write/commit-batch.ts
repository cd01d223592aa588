import type { Random } from "../../internal/random.ts";
import type { LogEntry } from "../../model.ts";
import type { Limits } from "../../protocol/limits.ts";
import type { Engine, Row } from "../engine/engine.ts";
import type { OneHistory } from "../one-history.ts";
import { entriesOf } from "../read/log-rows.ts";
import * as sendSql from "./send-sql.ts";
import { type Batch, writeSteps } from "./batch.ts";
import { type Settled, settleSends } from "./settle-sends.ts";

export type CommitContext = {
  readonly engine: Engine;
  /** `note` is called with each head that a commit found. */
  readonly history: Pick<OneHistory, "note" | "cursorOf">;
  readonly random: Random;
  readonly limits: Limits;
};

/** The result of a commit that succeeded. */
export type Committed = {
  /** The newest change numbers before and after it. */
  readonly from: number;
  readonly to: number;
  /** In the order of n. */
  readonly entries: readonly LogEntry[];
  readonly outcomes: Settled["outcomes"];
  /** A row for each device that acked and exists. */
  readonly acked: readonly Row[];
  /** A row for each relation that is beyond what its user may have. */
  readonly refused: readonly Row[];
};

/** Writes a page and changes nothing: shows whether the database takes commits. */
const probe = [sendSql.leaveHead, sendSql.returnHead].map((text) => ({ name: "probe", statement: { sql: text } }));

/** Writes a batch as one transaction. Where it rejects, the outcome is unknown. */
export async function commitBatch(
  batch: Batch,
  { engine, history, random, limits, isProbe }: CommitContext & { readonly isProbe: boolean },
): Promise<Committed> {
  const steps = writeSteps(batch, { newKey: () => 1 + random.integer(), limits });
  if (isProbe) steps.push(...probe);
  const results = await engine.write(steps.map((step) => step.statement));
  const found = new Map(steps.map((step, i) => [step.name, results[i] ?? []]));
  const rowsOf = (name: string): Row[] => found.get(name) ?? [];
  const before = history.cursorOf(rowsOf("before")[0]);
  history.note(before);
  const { outcomes, entries: sent } = await settleSends(engine, { batch, inserted: rowsOf("messages") });
  return {
    ...{ from: before.n, to: history.cursorOf(rowsOf("after")[0]).n, entries: entriesOf({ rowsOf, sent }), outcomes },
    ...{ acked: rowsOf("acked"), refused: rowsOf("refused") },
  };
}
