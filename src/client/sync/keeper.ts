import type { StorageState } from "../api.ts";
import type { Environment } from "../environment.ts";
import type { Source } from "../readable.ts";
import { type Durability, type Vault, VaultError, type Write, type Written } from "../vault/contract.ts";
import type { Cache } from "./cache.ts";

/** The only writer of the vault. After each write it updates the cache and gives other tabs a notice. */
export interface Keeper {
  /**
   * Waits for the vault if it is being opened: a user need not wait for that.
   *
   * @throws VaultError Nothing of it was written.
   */
  write(write: Write, durability: Durability): Promise<Written>;
  /** See `Storage.leave`. */
  leave(key: string, write: Write | null): void;
  /** Reads the vault as the writes leave it that were asked for before. @throws VaultError `lost` between two vaults. */
  vault(): Reads;
  /** Closes the one before. */
  use(vault: Vault | null): void;
  /** How often a vault was opened: what was kept before the last time may be lost. */
  openings(): number;
  /** The vault could not be opened: writes that wait for it reject. */
  failed(fault: unknown): void;
  /** For ever: writes that wait for a vault, and all later ones, reject. Those that were asked for before are done, then the vault is closed. */
  close(): void;
}

export type KeeperOptions = {
  readonly clock: Environment["clock"];
  readonly cache: Cache;
  readonly state: Source<StorageState>;
  /** Something that other tabs hold has changed. */
  readonly onWritten: (notice: TabNotice) => void;
  /** Absent: the storage needs no note. */
  readonly leave?: Keeper["leave"];
};

/** What can be read of a vault. */
export type Reads = Pick<Vault, "boot" | "messages" | "conversations" | "conversation" | "relations" | "draft">;

/** What other tabs read again. */
export type TabNotice = { readonly outbox: boolean; readonly drafts: readonly string[]; readonly wishes: boolean };

/** After this long a write counts as hanging (seen in browsers: a database that stops answering). */
const stallMs = 2_000;
const reopened = (): VaultError => new VaultError("lost", "The storage was opened anew");
/** How many messages make room for a write that found the storage full. */
const evictedMessages = 2_000;

export function createKeeper({ clock, cache, state, onWritten, leave }: KeeperOptions): Keeper {
  let current: Vault | null = null;
  let reads: Reads | null = null;
  const waiting: { readonly go: () => void; readonly fail: (fault: VaultError) => void }[] = [];
  /** Ends the writes of the present vault that have not come back, in their order. */
  const underWay = new Set<(fault: VaultError) => void>();
  /** Ends with the last of them: a write that must make room first is not overtaken by those that came after it. */
  let last: Promise<unknown> = Promise.resolve();
  let isClosed = false;
  let openings = 0;

  function opened<Part>(part: Part | null): Part {
    if (part === null) throw new VaultError("lost", "The storage is not open");
    return part;
  }

  const inTurn =
    <Asked extends readonly unknown[], Found>(read: (...asked: Asked) => Promise<Found>) =>
    (...asked: Asked): Promise<Found> =>
      underWay.size === 0 ? read(...asked) : last.then(() => read(...asked));

  const readsOf = (vault: Vault): Reads => ({
    ...{ boot: inTurn(vault.boot), messages: inTurn(vault.messages), conversations: inTurn(vault.conversations) },
    ...{ conversation: inTurn(vault.conversation), relations: inTurn(vault.relations), draft: inTurn(vault.draft) },
  });

  /** Once more after room was made, if that is the reason. */
  async function writeWithRoom(target: Vault, write: Write, durability: Durability): Promise<Written> {
    try {
      return await target.write(write, durability);
    } catch (fault) {
      if (!(fault instanceof VaultError) || fault.fault !== "full") throw fault;
      if ((await target.evict(evictedMessages)) === 0) throw fault;
      return await target.write(write, durability);
    }
  }

  async function write(write: Write, durability: Durability): Promise<Written> {
    if (current === null && !isClosed) await new Promise<void>((go, fail) => waiting.push({ go, fail }));
    const target = opened(current);
    const cancelStall = clock.after(stallMs, () => target === current && state.set({ kind: "stalled" }));
    const go = (): Promise<Written> => writeWithRoom(target, write, durability);
    const turn = underWay.size === 0 ? go() : last.then(go);
    last = turn.catch(() => {});
    let end: (fault: VaultError) => void = () => {};
    let written: Written;
    try {
      written = await new Promise((resolve, reject) => {
        turn.then(resolve, reject);
        underWay.add((end = reject));
      });
    } catch (fault) {
      if (target === current && fault instanceof VaultError && fault.fault === "full") state.set({ kind: "full" });
      throw fault;
    } finally {
      cancelStall();
      underWay.delete(end);
    }
    if (target !== current) throw reopened();
    if (underWay.size === 0 || state.get().kind === "full") state.set({ kind: target.kind });
    const { messages = [], granted = [] } = written.isOutdated ? {} : write;
    cache.apply(written, { messages, granted, wishes: write.wishes ?? [] });
    const notice = {
      outbox: written.outbox.size > 0,
      drafts: (write.drafts ?? []).map(([key]) => key),
      wishes: (write.wishes ?? write.granted ?? []).length > 0,
    };
    if (notice.outbox || notice.wishes || notice.drafts.length > 0) onWritten(notice);
    return written;
  }

  function release(): void {
    const vault = current;
    void last.then(() => vault?.close());
  }

  function failed(fault: unknown): void {
    const error = fault instanceof VaultError ? fault : new VaultError("unavailable", "No storage was opened", fault);
    for (const { fail } of waiting.splice(0)) fail(error);
  }

  return {
    write,
    // A page that works from its memory keeps nothing behind.
    leave: (key, write) => void (current?.kind !== "memory" && leave?.(key, write)),
    vault: () => opened(reads),
    openings: () => openings,
    failed,
    close() {
      isClosed = true;
      release();
      failed(new VaultError("failed", "The client is closed"));
    },
    use(vault) {
      if (!isClosed) release();
      current = vault;
      reads = vault && readsOf(vault);
      if (vault !== null) openings++;
      last = Promise.resolve();
      // The client has another vault from now on, and shows only its data.
      for (const end of [...underWay]) end(reopened());
      underWay.clear();
      state.set({ kind: vault?.kind ?? "opening" });
      if (vault !== null) for (const { go } of waiting.splice(0)) go();
    },
  };
}
