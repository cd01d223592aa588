import type { Position } from "./link/contract.ts";
import type { Cache } from "./sync/cache.ts";
import type { Keeper } from "./sync/keeper.ts";
import type { Scope, Storage } from "./vault/contract.ts";
import type { Meta } from "./vault/rows.ts";

/**
 * The pages that came before the device got its first cursor. They may be of a history that has ended since: the server resets devices with a cursor only. And
 * messages that came after them are not known: those of an earlier visit are dropped, and open threads are asked for again.
 */
export interface EarlyPages {
  /** The vault was read. */
  read(meta: Meta): void;
  /** Where a connection begins. Pages of a server that names no history are dropped before. */
  readPosition(readVault: () => Promise<Position>): Promise<Position>;
  /** See `Life.goesOn`. */
  goOn(history: string | undefined): boolean;
}

export type EarlyPagesOptions = {
  readonly storage: Pick<Storage, "isNew">;
  readonly scope: Scope;
  readonly cache: Pick<Cache, "conversations" | "resets">;
  readonly keeper: Pick<Keeper, "write">;
  readonly reconnect: (waitMs?: number) => void;
  readonly onFault: (fault: unknown) => void;
};

/** How long a connection waits after the pages could not be dropped. */
const retryMs = 5_000;

export function createEarlyPages({ storage, scope, cache, keeper, reconnect, onFault }: EarlyPagesOptions): EarlyPages {
  /** Then all pages were fetched by this client. */
  const isNew = storage.isNew?.(scope) === true;
  /** Theirs. Undefined: there are none, or it is not known. */
  let history: string | undefined;

  const drop = (): Promise<unknown> => keeper.write({ reset: true, resets: cache.resets() }, "relaxed");

  return {
    read: (meta) => void (history = isNew && meta.cursor === null ? meta.history : undefined),
    async readPosition(readVault) {
      const found = await readVault();
      if (found.cursor !== null || cache.conversations.size === 0 || history !== undefined) return found;
      await drop();
      return await readVault();
    },
    goOn(of) {
      if (history === undefined || history === of) return true;
      drop().then(
        () => reconnect(),
        (fault: unknown) => (onFault(fault), reconnect(retryMs)),
      );
      return false;
    },
  };
}
