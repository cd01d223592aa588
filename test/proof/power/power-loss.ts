import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { createEmbeddedEngine } from "../../../src/store/engine/embedded.ts";
import { describeFaults, type Event, judge } from "../checker/checker.ts";
import type { Chance } from "../sim/chance.ts";
import { append, person, readAll, storeOn } from "../../support/store.ts";
import type { Disk } from "./disk.ts";
import { describeLoss, type Loss } from "./loss.ts";

export type PowerLossOptions = {
  readonly disk: Disk;
  readonly loss: Loss;
  readonly chance: Chance;
  /** The clients' actions and sightings so far. */
  readonly events: readonly Event[];
  readonly users: readonly string[];
  /** A new folder for the disk's files; it is removed afterwards. */
  readonly folder: string;
};

/** The power goes now: opens the disk's files with the real store; returns the violations. */
export async function losePower(options: PowerLossOptions): Promise<readonly string[]> {
  const { disk, loss, chance, folder } = options;
  mkdirSync(folder);
  try {
    for (const [path, bytes] of disk.survive(loss, chance)) writeFileSync(join(folder, basename(path)), bytes);
    const violations = await checkFiles(options);
    return violations.map((text) => `after the loss "${describeLoss(loss)}": ${text}`);
  } catch (error) {
    // A database that does not open has lost everything.
    return [`after the loss "${describeLoss(loss)}": ${String(error)}`];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function checkFiles({ events, users, folder, chance }: PowerLossOptions): Promise<readonly string[]> {
  const engine = createEmbeddedEngine({ path: join(folder, "tidings.db"), cacheBytes: 16_777_216 });
  const { store, faults } = await storeOn(engine);
  try {
    const violations: string[] = [];
    const [[integrity] = []] = await engine.read([{ sql: "PRAGMA integrity_check(4)" }]);
    if (integrity?.["integrity_check"] !== "ok") violations.push(`integrity_check: ${JSON.stringify(integrity)}`);
    const histories: (Event & { type: "history" })[] = [];
    for (const user of users) {
      const { changes } = await readAll(store, person(user), { limit: 2_048 });
      const messages = changes.filter((change) => change.kind === "message");
      histories.push({ type: "history", user, messages });
    }
    const found = judge([...events, ...seenAsAccepted(events), ...histories]);
    if (found.length > 0) violations.push(describeFaults(found));
    // After a violation it need not go on.
    if (violations.length === 0)
      violations.push(...(await goOn({ events, histories, chance, append: appendTo(store) })));
    for (const fault of faults) violations.push(`the store failed: ${String(fault)}`);
    return violations;
  } finally {
    await store.close();
  }
}

/** A message that a client has read came from the server: it binds as an answer does. */
function* seenAsAccepted(events: readonly Event[]): Iterable<Event> {
  for (const event of events) if (event.type === "seen") yield { ...event, type: "accepted" };
}

type Attempt = Event & { type: "attempt" };
type Append = (attempt: Attempt) => ReturnType<typeof append>;
const appendTo =
  (store: Parameters<typeof append>[0]): Append =>
  ({ from, id, text }) =>
    append(store, { from, id, text, to: peerOf(from) });

/** The crowd's pairs: alice0 and bob0, alice1 and bob1, … */
const peerOf = (user: string): string =>
  user.startsWith("alice") ? user.replace("alice", "bob") : user.replace("bob", "alice");

/** O1 and O2 after the loss: a retry of a stored message gets its seq, and an unanswered one settles on the next one. */
async function goOn(options: {
  events: readonly Event[];
  histories: readonly (Event & { type: "history" })[];
  chance: Chance;
  append: Append;
}): Promise<readonly string[]> {
  const { events, histories, chance } = options;
  const attempts = events.filter((event) => event.type === "attempt");
  const violations: string[] = [];
  // The last ones are most likely undecided; any other one is as good.
  for (const attempt of new Set([...attempts.slice(-2), ...(attempts.length > 0 ? [chance.pick(attempts)] : [])])) {
    const history = histories.find(({ user }) => user === attempt.from)?.messages ?? [];
    const stored = history.find(({ id }) => id === attempt.id);
    const outcome = await options.append(attempt);
    const isRight =
      outcome.type === "accepted" &&
      (stored === undefined
        ? !outcome.duplicate && outcome.seq > history.filter((one) => one.conversation === outcome.conversation).length
        : outcome.duplicate && outcome.seq === stored.seq && outcome.conversation === stored.conversation);
    if (!isRight) violations.push(`${attempt.id} (was at ${stored?.seq}) was sent again: ${JSON.stringify(outcome)}`);
  }
  return violations;
}
