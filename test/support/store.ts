import type { Clock } from "../../src/internal/clock.ts";
import { systemClock } from "../../src/internal/clock.ts";
import { type Random, systemRandom } from "../../src/internal/random.ts";
import type { Identity } from "../../src/model.ts";
import { defaultLimits, type Limits } from "../../src/protocol/limits.ts";
import type { Engine } from "../../src/store/engine/engine.ts";
import { createStore } from "../../src/store/libsql-store.ts";
import { bundledMigrations } from "../../src/store/migration/bundled.ts";
import { migrate } from "../../src/store/migration/migrate.ts";
import type { Accepted, Outcome, Send, Store } from "../../src/store/store.ts";
import { watchPlans } from "./plans.ts";

export type StoreOverrides = {
  readonly limits?: Partial<Limits>;
  readonly clock?: Clock;
  readonly random?: Random;
};

/**
 * A store over an engine, its schema in place; its `close()` rejects where a statement has scanned a table. Marks are committed at once, so
 * that tests need not wait.
 */
export async function storeOn(engine: Engine, overrides: StoreOverrides = {}) {
  const { limits, clock = systemClock, random = systemRandom } = overrides;
  await migrate(engine, bundledMigrations);
  const faults: unknown[] = [];
  const store = createStore({
    engine: watchPlans(engine),
    clock,
    random,
    limits: { ...defaultLimits, marksDelayMs: 1, storeProbeMs: 20, ...limits },
    onFault: (fault) => faults.push(fault),
  });
  return { store, faults };
}

export const person = (user: string, tenant = "default"): Identity => ({ tenant, user });

export const newId = (): string => systemRandom.messageId(Date.now());

/** Appends and waits for the outcome. */
export const append = (store: Store, send: Partial<Send> & { from: string }): Promise<Outcome> =>
  new Promise((resolve) =>
    store.append({ tenant: "default", id: newId(), text: "hello", ...send } satisfies Send, resolve),
  );

/** Appends a message that must be accepted. */
export async function accepted(store: Store, send: Partial<Send> & { from: string }): Promise<Accepted> {
  const outcome = await append(store, send);
  if (outcome.type !== "accepted") throw new Error(`not accepted: ${outcome.code}`);
  return outcome;
}

/** Everything that a user's device would get from `after` on, read in pages of `limit`. */
export async function readAll(
  store: Store,
  identity: Identity,
  options: { after?: number; limit?: number; bytes?: number } = {},
) {
  const { after = 0, limit = 256 } = options;
  const changes = [];
  let position = after;
  for (let pages = 0; pages < 100_000; pages++) {
    const page = await store.changes(identity, position, { rows: limit, bytes: options.bytes ?? 1_000_000 });
    changes.push(...page.changes);
    if (page.upTo < position) throw new Error("a page went back");
    position = page.upTo;
    if (!page.more) return { changes, position };
  }
  throw new Error("the pages do not end");
}

/** Waits until marks that were noted have been committed. */
export async function marksCommitted(store: Store): Promise<void> {
  for (let i = 0; i < 12; i++) {
    await Bun.sleep(2);
    await store.settled();
  }
}
