import { indexedDb, memory, type Storage, VaultError } from "../client/index.ts";

/**
 * That of the browser. Where it has none, or refuses it, the page keeps everything in its memory, and says so. A storage that is still to be made has
 * nothing to show: it is made after `drawn`, when the first messages are on screen.
 */
export function browserStorage(drawn: Promise<void> = Promise.resolve()): Storage {
  const [disk, page] = [indexedDb(), memory()];
  return {
    ...disk,
    async open(scope, makeDevice) {
      if (disk.isNew?.(scope) === true) await drawn;
      try {
        return await disk.open(scope, makeDevice);
      } catch (fault) {
        // Another fault may pass: the client tries again, and what waits on the disk is not left behind.
        if (!isRefused(fault)) throw fault;
        return await page.open(scope, makeDevice);
      }
    },
  };
}

/** The user has blocked the data of sites, or there is no IndexedDB at all. */
const isRefused = (fault: unknown): boolean =>
  fault instanceof VaultError && /^(Security|Type)Error/.test(fault.message);
