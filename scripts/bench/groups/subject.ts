import { systemClock } from "../../../src/internal/clock.ts";
import { systemRandom } from "../../../src/internal/random.ts";
import { defaultLimits } from "../../../src/protocol/limits.ts";
import { createEmbeddedEngine } from "../../../src/store/engine/embedded.ts";
import { createStore } from "../../../src/store/libsql-store.ts";
import type { Accepted, Send, Store } from "../../../src/store/store.ts";

/** A store in this process. Its log is not moved into the file: its size says what commits wrote. */
export async function openSubject(path: string): Promise<Store> {
  const { rest: _, ...engine } = createEmbeddedEngine({ path });
  const onFault = (fault: unknown): never => {
    throw fault;
  };
  await engine.read([{ sql: "PRAGMA wal_autocheckpoint = 0" }]);
  const store = createStore({ engine, clock: systemClock, random: systemRandom, limits: defaultLimits, onFault });
  await store.head();
  return store;
}

/** Stores messages, as many as there are in one commit. */
export const sendAll = (store: Store, sends: readonly Send[]): Promise<readonly Accepted[]> =>
  Promise.all(
    sends.map(
      (send) =>
        new Promise<Accepted>((resolve, reject) =>
          store.append(send, (outcome) =>
            outcome.type === "accepted" ? resolve(outcome) : reject(new Error(outcome.code)),
          ),
        ),
    ),
  );
