import { rmSync } from "node:fs";
import { join } from "node:path";
import { createEmbeddedEngine } from "../../../src/store/engine/embedded.ts";
import type { Store } from "../../../src/store/store.ts";
import { temporaryFolder } from "../../support/server.ts";
import { storeOn } from "../../support/store.ts";
import type { Findings, Target } from "./target.ts";
import { admissionTarget, originTarget, tokenTarget } from "./target/admission.ts";
import { apiTarget } from "./target/api.ts";
import { configTarget } from "./target/config.ts";
import { decodeTarget } from "./target/decode.ts";
import { logTarget } from "./target/log.ts";
import { conversationTarget, cursorTarget, identifierTarget } from "./target/opaque.ts";
import { pushSecretTarget, pushTarget, pushTokenTarget, quietHoursTarget } from "./target/push.ts";
import { textTarget } from "./target/text.ts";

/** Every entry that needs no socket, with its share of the cases. */
const targets = (): readonly (readonly [weight: number, target: Target])[] => [
  [40, decodeTarget()],
  [8, cursorTarget()],
  [8, conversationTarget()],
  [8, identifierTarget()],
  [6, configTarget()],
  [6, logTarget()],
  [8, admissionTarget()],
  [6, originTarget()],
  [6, tokenTarget()],
  [4, pushTarget()],
  [6, pushSecretTarget()],
  [8, quietHoursTarget()],
];

const textWeight = 4;
const apiWeight = 8;
const pushTokenWeight = 1;

/** Feeds every entry inside this process; `cases` in all. The same seed feeds the same inputs. */
export async function fuzzInProcess(seed: number, cases: number): Promise<Findings> {
  return await withStore(async (store) => {
    const ofStore = [
      [textWeight, textTarget(store)],
      [apiWeight, apiTarget(store)],
      [pushTokenWeight, pushTokenTarget(store)],
    ] as const;
    const all = [...targets(), ...ofStore];
    const whole = all.reduce((sum, [weight]) => sum + weight, 0);
    const found: Findings[] = [];
    for (const [weight, target] of all) found.push(await target.try(seed, Math.ceil((cases * weight) / whole)));
    return {
      cases: found.reduce((sum, one) => sum + one.cases, 0),
      violations: found.flatMap(({ violations }) => violations),
    };
  });
}

/** Lends a real store on a real file. */
export async function withStore<T>(use: (store: Store) => Promise<T>): Promise<T> {
  const folder = temporaryFolder();
  const { store } = await storeOn(createEmbeddedEngine({ path: join(folder, "chat.db") }));
  await store.head();
  try {
    return await use(store);
  } finally {
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  }
}
