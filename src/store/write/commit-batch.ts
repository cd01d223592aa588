import { ChatError } from "../../error.ts";
import type { Random } from "../../internal/random.ts";
import type { Limits } from "../../protocol/limits.ts";
import type { Engine, Row } from "../engine/engine.ts";
import type { OneHistory } from "../one-history.ts";
import { entriesOf } from "../read/log-rows.ts";
import type { Commit } from "../store.ts";
import { type Batch, writeSteps } from "./batch.ts";
import type { CommitHealth } from "./commit-health.ts";
import { type KnownPairs, pairOf } from "./known-pairs.ts";
import * as sendSql from "./send-sql.ts";
import { settleSends } from "./settle-sends.ts";
import type { Committed, WriteQueue } from "./write-queue.ts";

export type CommitContext = {
  readonly engine: Engine;
  /** `note` is called with each head that a commit found. */
  readonly history: Pick<OneHistory, "note" | "cursorOf">;
  readonly pairs: KnownPairs;
  readonly random: Random;
  readonly limits: Limits;
  readonly onCommit: (commit: Commit) => void;
  /** Called when a commit failed; everything that waited is then answered `unavailable`. */
  readonly onFault: (fault: unknown) => void;
};

/** Writes a page and changes nothing: shows whether the database takes commits. */
const probe = [sendSql.leaveHead, sendSql.returnHead].map((text) => ({ name: "probe", statement: { sql: text } }));

/**
 * Commits the next batch of what waits, answers it, and only then announces it. The outcome of a failed commit is unknown, so everything that
 * waits is then answered `unavailable`: nothing may be accepted behind a message that may not have been stored.
 */
export async function commitBatch(
  { queue, health }: { readonly queue: WriteQueue; readonly health: CommitHealth },
  context: CommitContext,
): Promise<void> {
  const batch = queue.take();
  let committed: Committed;
  try {
    committed = await write(batch, context, health.isProbeDue());
  } catch (cause) {
    health.failed(cause);
    context.onFault(cause);
    queue.refuseAll(unconfirmed(cause), batch);
    return;
  }
  health.succeeded();
  queue.settle(batch, committed);
  const { from, to, entries } = committed;
  if (to > from) context.onCommit({ from, to, entries });
}

/** Writes a batch as one transaction. Where it rejects, the outcome is unknown. */
async function write(batch: Batch, context: CommitContext, isProbe: boolean): Promise<Committed> {
  const { engine, history, pairs, random, limits } = context;
  const steps = writeSteps(batch, { newKey: () => 1 + random.integer(), limits, isKnown: pairs.has });
  if (isProbe) steps.push(...probe);
  const results = await engine.write(steps.map((step) => step.statement));
  const found = new Map(steps.map((step, i) => [step.name, results[i] ?? []]));
  const rowsOf = (name: string): Row[] => found.get(name) ?? [];
  const before = history.cursorOf(rowsOf("before")[0]);
  history.note(before);
  for (const { send } of batch.sends) {
    const pair = send.refusal === undefined ? pairOf(send) : null;
    if (pair !== null) pairs.add(pair.name);
  }
  const { outcomes, entries: sent } = await settleSends({ engine, pairs }, { batch, inserted: rowsOf("messages") });
  return {
    ...{ from: before.n, to: history.cursorOf(rowsOf("after")[0]).n, entries: entriesOf({ rowsOf, sent }), outcomes },
    ...{ acked: rowsOf("acked"), refused: rowsOf("refused") },
  };
}

export const unconfirmed = (cause: unknown): ChatError =>
  new ChatError("unavailable", "The store did not confirm a commit", { cause });
