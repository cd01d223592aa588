import type { Event } from "../checker/checker.ts";
import type { Outcome, Store } from "../../../src/store/store.ts";
import { append, newId, person, readAll } from "../../support/store.ts";

export type DeliverOptions = {
  readonly from: string;
  readonly to: string;
  readonly texts: readonly string[];
  readonly events: Event[];
  readonly onAccepted?: (id: string) => Promise<void>;
};

const pauseMs = 15;
const triesMax = 400;

/** Sends all at once, then again from the first refused one, until each is accepted; returns the number of tries. */
export async function deliver(store: Store, { from, to, texts, events, onAccepted }: DeliverOptions): Promise<number> {
  let waiting = texts.map((text) => ({ id: newId(), text }));
  for (const { id, text } of waiting) events.push({ type: "attempt", lane: from, from, id, text });
  for (let tries = 1; tries <= triesMax; tries++) {
    const outcomes = await Promise.all(waiting.map((send) => append(store, { from, to, ...send })));
    const refused = outcomes.findIndex(({ type }) => type === "refused");
    for (const [i, { id }] of waiting.entries()) {
      const outcome: Outcome | undefined = outcomes[i];
      if (outcome?.type === "refused" && outcome.code !== "unavailable") throw new Error(`${id}: ${outcome.code}`);
      if (outcome?.type !== "accepted" || (refused !== -1 && i > refused)) continue;
      events.push({ type: "accepted", from, id, conversation: outcome.conversation, seq: outcome.seq });
      await onAccepted?.(id);
    }
    if (refused === -1) return tries;
    waiting = waiting.slice(refused);
    await Bun.sleep(pauseMs);
  }
  throw new Error(`${waiting.length} sends of ${from} were refused ${triesMax} times`);
}

/** The store's messages of a user, for the checker. */
export async function historyOf(store: Store, user: string): Promise<Event> {
  const { changes } = await readAll(store, person(user));
  const messages = changes.flatMap((change) => {
    if (change.kind !== "message") return [];
    const { conversation, seq, id, from, text } = change;
    return [{ conversation, seq, id, from, text }];
  });
  return { type: "history", user, messages };
}
