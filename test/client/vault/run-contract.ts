import { describe, test } from "bun:test";
import type { Storage, Vault } from "../../../src/client/vault/contract.ts";
import { vaultCases } from "./vault.contract.ts";

let scopes = 0;

/** Runs the contract of storages. `storage` gives another tab on one disk. */
export function describeStorage(
  name: string,
  options: { readonly kind: Vault["kind"]; readonly storage: () => Storage },
): void {
  describe(name, () =>
    vaultCases((title, run) =>
      test(title, async () => {
        const scope = { url: "https://app.example/chat", tenant: `tenant-${++scopes}`, user: "me" };
        await run({ ...options, scope });
      }),
    ),
  );
}
