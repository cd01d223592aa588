import { hex } from "../internal/sha256.ts";
import { ClientError } from "./api.ts";
import { createEarlyPages, type EarlyPages } from "./early-pages.ts";
import type { Environment } from "./environment.ts";
import type { Link, Position } from "./link/contract.ts";
import { createTimer } from "./link/timer.ts";
import type { Cache } from "./sync/cache.ts";
import type { Ids } from "./sync/ids.ts";
import type { Keeper, Reads } from "./sync/keeper.ts";
import { listPage } from "./sync/list-pages.ts";
import type { Scope, Storage, Vault } from "./vault/contract.ts";

/** Opens the vault, connects while the client is in use, and begins again when the vault is lost. A vault that cannot be opened is tried again. */
export interface Life {
  /** See `Client.retain`. `at-once`: its end disconnects without waiting for another use. */
  retain(linger?: "linger" | "at-once"): () => void;
  isOpen(): boolean;
  /** True while the vault of a new device is being made. */
  isNew(): boolean;
  isClosed(): boolean;
  /** Reads the vault into the cache; answers where a connection begins. Null: not now. */
  connect(begin: (position: Position | null) => void): void;
  /** Where the present connection began. Null: the vault is not read yet. */
  position(): Position | null;
  /** This device's name, once its vault is read; rejects when the client is closed before. */
  device(): Promise<string>;
  /**
   * Whether the device may go on with what it holds, in the history of a connection. Pages that came before its first cursor may be of another one: they are
   * dropped, and it connects again.
   */
  goesOn(history: string | undefined): boolean;
  close(): void;
}

export type LifeOptions = Pick<Environment, "clock" | "randomBytes"> & {
  readonly storage: Storage;
  readonly scope: Scope;
  readonly level: number;
  readonly ids: Ids;
  readonly cache: Cache;
  readonly keeper: Keeper;
  readonly link: () => Pick<Link, "start" | "stop" | "probe" | "reconnect">;
  /** The vault of a new device is being made. */
  readonly onNew: () => void;
  readonly onOpen: () => void;
  readonly onLost: () => void;
  readonly onFault: (fault: unknown) => void;
};

/** The client stays connected for this long after its last use: a page that is rendered again soon uses it again. */
const lingerMs = 5_000;
/** How long an opening that failed waits. */
const reopenMs = 5_000;
/** After this long an opening that has not ended is reported, as the link's waiting for the storage: another tab may keep it from ending. */
const lateMs = 5_000;

export function createLife(options: LifeOptions): Life {
  const { clock, randomBytes, storage, scope, keeper, link, onFault } = options;
  let phase: "unopened" | "making" | "opening" | "open" | "closed" = "unopened";
  let uses = 0;
  const place = createPlace();
  /** Counts the openings: one that was overtaken changes nothing. */
  let opening = 0;
  const reopen = createTimer(clock, () => (uses > 0 || place.isAwaited()) && begin());
  /** The vault that is open or being read. */
  let current: Vault | null = null;

  const early = createEarlyPages({ ...options, reconnect: (waitMs) => link().reconnect(waitMs) });
  const parts = { ...options, early };
  const isClosed = (): boolean => phase === "closed";

  /** Opens the vault before it connects: the data on the device is shown, with or without a network. */
  async function open(): Promise<void> {
    const mine = ++opening;
    // Later ones show what earlier ones have loaded.
    phase = mine === 1 && storage.isNew?.(scope) === true ? "making" : "opening";
    if (phase === "making") options.onNew();
    const cancelLate = clock.after(lateMs, want);
    try {
      const vault = await storage.open(scope, () => hex(randomBytes(16)));
      if (isClosed()) return vault.close();
      current = vault;
      vault.onLost(() => lose(vault));
      keeper.use(vault);
      const found = await readVault(parts, vault);
      // It was lost meanwhile, and another one is being opened.
      if (current !== vault) return;
      place.set(found);
    } catch (fault) {
      if (opening !== mine) return;
      drop();
      onFault(fault);
      keeper.failed(fault);
      if (!isClosed()) phase = "unopened";
      want();
      reopen(clock.elapsed() + reopenMs);
      return;
    } finally {
      cancelLate();
    }
    if (isClosed()) return;
    phase = "open";
    options.onOpen();
    want();
    link().probe();
  }

  /** Without an open vault the link gets no position, and its status says that it waits for the storage, until it is probed. */
  const want = (): unknown => uses > 0 && link().start();

  function drop(): void {
    current = null;
    keeper.use(null);
  }

  function begin(): void {
    if (phase === "unopened") void open();
    else if (phase === "open") link().start();
  }

  /** The browser has deleted the data, or another tab has: this is a new device. */
  function lose(vault: Vault): void {
    if (isClosed() || vault !== current) return;
    link().stop();
    drop();
    place.set(null);
    options.onLost();
    void open();
  }

  return {
    isClosed,
    isOpen: () => phase === "open",
    isNew: () => phase === "making",
    position: place.get,
    async device() {
      if (phase === "unopened") void open();
      const position = isClosed() ? null : await place.first();
      if (position === null || isClosed()) throw new ClientError("closed", "The client is closed");
      return position.device;
    },
    goesOn: early.goOn,
    connect(answer) {
      if (phase !== "open") {
        answer(null);
        // Also its user may want to try again now.
        return begin();
      }
      const [vault, reads] = [current, keeper.vault()];
      const read = early.readPosition(() => readVault(parts, reads)).catch((fault: unknown) => onFault(fault));
      void read.then((found) => {
        if (found && current === vault) place.set(found);
        answer(found ?? null);
      });
    },
    retain(linger = "linger") {
      uses++;
      begin();
      return once(() => {
        uses--;
        const stop = (): unknown => uses === 0 && link().stop();
        if (linger === "at-once") stop();
        else clock.after(lingerMs, stop);
      });
    },
    close() {
      phase = "closed";
      place.end();
      keeper.close();
      current = null;
    },
  };
}

/** Where the device is in the log, for those who wait for its name. */
function createPlace() {
  let position: Position | null = null;
  const waiting: (() => void)[] = [];
  const tell = (): void => waiting.splice(0).forEach((one) => one());
  return {
    get: () => position,
    set(next: Position | null): void {
      position = next;
      if (next !== null) tell();
    },
    /** Null: it ended before. */
    async first(): Promise<Position | null> {
      if (position === null) await new Promise<void>((resolve) => void waiting.push(resolve));
      return position;
    },
    isAwaited: () => waiting.length > 0,
    end: tell,
  };
}

function once(act: () => void): () => void {
  let isDone = false;
  return () => {
    if (!isDone) act();
    isDone = true;
  };
}

type Parts = LifeOptions & { readonly early: EarlyPages };

async function readVault({ cache, ids, level, early }: Parts, vault: Reads): Promise<Position> {
  const boot = await vault.boot(Math.max(listPage, cache.conversations.size));
  // At once: this read must not overwrite later writes.
  cache.boot(boot);
  for (const { id } of boot.outbox) ids.pass(id);
  early.read(boot.meta);
  cache.setRelations(await vault.relations());
  return { device: boot.meta.device, cursor: boot.meta.cursor, level };
}
