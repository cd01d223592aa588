import type { Environment } from "../environment.ts";
import type { Cache } from "./cache.ts";
import type { Keeper } from "./keeper.ts";
import type { Sender } from "./sender.ts";

/** Takes over what other tabs have put into the vault: rows of the outbox, and wishes. */
export interface LookAround {
  /** A connection has been greeted: looks from now on, also for rows of tabs that have died. */
  begin(): void;
  /** Another tab has given a notice. */
  now(): void;
}

export type LookAroundOptions = {
  readonly clock: Environment["clock"];
  readonly cache: Cache;
  readonly keeper: Keeper;
  readonly sender: Pick<Sender, "flush" | "isConnected">;
  /** Called after each read. */
  readonly onRead: () => Promise<void>;
  readonly onFault: (fault: unknown) => void;
};

/** Another tab sends its own rows for this long. */
const elsewhereMs = 1_500;
/** Notices of other tabs that come within this time cause one read. */
const gatherMs = 20;
/** How often the vault is read without a notice: a tab may die before it gives one. */
const lookMs = 30_000;

export function createLookAround({ clock, cache, keeper, sender, onRead, onFault }: LookAroundOptions): LookAround {
  let cancelLook: (() => void) | null = null;
  let cancelRead: (() => void) | null = null;

  async function read(): Promise<void> {
    cache.sync(await keeper.vault().boot(0));
    await onRead();
  }

  /** One read for all notices of this time: a tab gives one with each step of each message. */
  function now(): void {
    cancelRead ??= clock.after(gatherMs, () => {
      cancelRead = null;
      read().catch(onFault);
      clock.after(elsewhereMs, sender.flush);
    });
  }

  function begin(): void {
    cancelLook?.();
    cancelLook = clock.after(lookMs, () => {
      if (!sender.isConnected()) return;
      now();
      begin();
    });
  }

  return { begin, now };
}
