import { createSource } from "../../../src/client/readable.ts";
import { createCache } from "../../../src/client/sync/cache.ts";
import { createKeeper, type Keeper } from "../../../src/client/sync/keeper.ts";
import type { Vault } from "../../../src/client/vault/contract.ts";
import { memory } from "../../../src/client/vault/memory.ts";
import { fakeClock } from "../../support/fake-clock.ts";
import { writtenOf } from "./rows.ts";

const scope = { url: "u", tenant: "t", user: "alice" };

export const openVault = (): Promise<Vault> => memory().open(scope, () => "d");

/** What a tab keeps with, over a vault, and the faults that it reports. */
export function keepWith(vault: Vault) {
  const [clock, cache] = [fakeClock(), createCache()];
  const faults: unknown[] = [];
  const onFault = (fault: unknown): void => void faults.push(fault);
  const keeper = createKeeper({ clock, cache, state: createSource({ kind: "opening" }, { onFault }), onWritten() {} });
  keeper.use(vault);
  return { clock, cache, keeper, faults, onFault };
}

/** A keeper whose writes answer that nothing changed, and that holds no vault. */
export const keepNothing = (more: Partial<Keeper> = {}): Keeper => ({
  write: async () => writtenOf([]),
  vault() {
    throw new Error("not used");
  },
  ...{ use() {}, leave() {}, openings: () => 1, failed() {}, close() {} },
  ...more,
});
