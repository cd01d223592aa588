import { indexedDb, memory, type Storage, VaultError } from "../client/index.ts";

/** That of the browser. Where it has none, or refuses it, the page keeps everything in its memory, and says so. */
export function browserStorage(): Storage {
  const [disk, page] = [indexedDb(), memory()];
  return {
    ...disk,
    open: (scope, makeDevice) =>
      disk.open(scope, makeDevice).catch((fault: unknown) => {
        // Another fault may pass: the client tries again, and what waits on the disk is not left behind.
        if (!isRefused(fault)) throw fault;
        return page.open(scope, makeDevice);
      }),
  };
}

/** The user has blocked the data of sites, or there is no IndexedDB at all. */
const isRefused = (fault: unknown): boolean =>
  fault instanceof VaultError && /^(Security|Type)Error/.test(fault.message);
