import type { ConversationPatch } from "./merge.ts";
import type { ConversationRow, MessageRow, Meta, OutboxRow, Refusal, RelationRow, Wish } from "./rows.ts";

/** The owner of the data. Two scopes share nothing. */
export type Scope = { readonly url: string; readonly tenant: string; readonly user: string };

/** Where clients keep their data: one {@link Vault} for each scope. Made by `indexedDb()`, `memory()` or `libsql()`. */
export interface Storage {
  /** Whether there is probably no vault of `scope` here. It is known at once: the client then asks the server while the vault is made. */
  isNew?(scope: Scope): boolean;
  /**
   * Opens the vault of `scope`, and makes it if there is none: with a device name of `makeDevice()`, in one strict transaction.
   *
   * @throws VaultError `unavailable` if this storage cannot be used here, as in some private windows.
   */
  open(scope: Scope, makeDevice: () => string): Promise<Vault>;
  /** The scopes that have a vault here. */
  scopes(): Promise<readonly Scope[]>;
  /** Deletes everything of `scope`. Its open vaults are lost. */
  destroy(scope: Scope): Promise<void>;
  /**
   * The page is being left, and has no further turn: what its calls have not written by now may be lost, also where the vault is still being opened. This is
   * written when the scope is opened again, unless the row or the draft of this key was written until then. Null: it is not to be written any more. Absent: this
   * storage needs no turn to write.
   */
  leave?(scope: Scope, note: { readonly key: string; readonly write: Write | null }): void;
}

/** A change of the outbox. Each is decided in its transaction by what the vault holds then: another tab may have been faster. */
export type OutboxChange =
  /** Does nothing to a row that is there: a write may be repeated. */
  | { readonly do: "add"; readonly row: OutboxRow }
  /** It is about to be sent. */
  | { readonly do: "try"; readonly id: string }
  | { readonly do: "fail"; readonly id: string; readonly failed: Refusal }
  /** The user wants to try a failed row again. */
  | { readonly do: "retry"; readonly id: string }
  /** Does nothing to a row that was tried. */
  | { readonly do: "edit"; readonly id: string; readonly text: string }
  /** Puts another text, under another id, in the place of a failed row. Does nothing to one that has not failed, or is being tried again. */
  | { readonly do: "replace"; readonly id: string; readonly row: OutboxRow }
  /** Removes it if it was not tried, or has failed. */
  | { readonly do: "cancel"; readonly id: string }
  /** Its message is in this write. Does nothing if it is not: a row never goes without its message. */
  | { readonly do: "settle"; readonly id: string };

/** A text for a target key; null deletes. `only`: if one of these is stored. Another one was typed in another tab meanwhile, and stays. */
export type DraftChange = readonly [key: string, text: string | null, only?: readonly string[]];

/** A transaction: all of it is written, or nothing. */
export type Write = {
  /** Deletes messages, conversations and relations first. Outbox, drafts, wishes and device stay. Without a cursor: only if none is stored. */
  readonly reset?: true;
  /**
   * How often the vault had been reset when these rows were asked for. After one more reset they are of an ended history: they, the cursor, the reset and
   * `granted` are left out.
   */
  readonly resets?: number;
  /**
   * The history that its rows are of, as the server names it. A vault takes rows of one history: those of another one are left out as after a reset, but for what
   * comes with a later cursor than the first.
   */
  readonly history?: string | undefined;
  /** Moves the cursor if the stored one is `from`; leaves it alone if it is another. `to` already stored counts as moved. After `reset` it is always moved. */
  readonly cursor?: { readonly from: string | null; readonly to: string; readonly level: number };
  readonly identity?: { readonly tenant: string; readonly user: string };
  /**
   * By (conversation, seq); an older version does not replace a newer one. Each has its place in a `message` or `held` patch of the same write: the ranges
   * say what is held.
   */
  readonly messages?: readonly MessageRow[];
  /** In order. Merged by `mergeConversation` with the rows that are stored. */
  readonly conversations?: readonly ConversationPatch[];
  /** Where the cursor of their write does not move, those that are held stay: another tab has stored them, perhaps later ones. */
  readonly relations?: readonly RelationRow[];
  /** From pages of the server. A relation of this user that is held came by the log, perhaps to another tab: it is newer, and stays. */
  readonly listed?: readonly RelationRow[];
  readonly outbox?: readonly OutboxChange[];
  readonly drafts?: readonly DraftChange[];
  /** One that marks less as read than the conversation's own mark is left out. */
  readonly wishes?: readonly Wish[];
  /** Wishes that the server has now: each is deleted if the stored one is still equal. */
  readonly granted?: readonly Wish[];
};

/** `strict`: on disk when the write resolves, as far as the platform reports it. `relaxed`: a crash of the system may take back the last ones, in order. */
export type Durability = "strict" | "relaxed";

/** The result of a write. */
export type Written = {
  readonly cursorMoved: boolean;
  /** The stored cursor, as it is now. */
  readonly cursor: string | null;
  /** Whether this write has reset the vault, and how often all of them have. */
  readonly isReset: boolean;
  readonly resets: number;
  /** Its rows were of an ended history, and were left out. */
  readonly isOutdated: boolean;
  /** The rows of the conversations that it named, as they are now, if they have a last message: also where another tab had written the same before. */
  readonly conversations: readonly ConversationRow[];
  /** The relations that it named, as they are now, or as the cursor brings them that did not move. */
  readonly relations: readonly RelationRow[];
  /** Of each outbox row that it named: how it is now. Null: it is not there. */
  readonly outbox: ReadonlyMap<string, OutboxRow | null>;
};

/** The data that a client starts with. */
export type Boot = {
  readonly meta: Meta;
  /** In the order of their ids. */
  readonly outbox: readonly OutboxRow[];
  readonly wishes: readonly Wish[];
  /** The first of the list, by rank. */
  readonly conversations: readonly ConversationRow[];
};

/** Why storage failed. */
export type VaultFault = "unavailable" | "full" | "lost" | "failed";

export class VaultError extends Error {
  readonly fault: VaultFault;
  constructor(fault: VaultFault, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = "VaultError";
    this.fault = fault;
  }
}

/** The data of one user of one server on this device. Every call may reject with a {@link VaultError}. Writes take effect in the order of their calls. */
export interface Vault {
  /** `memory`: it ends with this process or page. */
  readonly kind: "durable" | "memory";
  /** `conversations`: at most this many. Rows without a last message are in no list. */
  boot(conversations: number): Promise<Boot>;
  write(write: Write, durability: Durability): Promise<Written>;
  /** The messages that are held of the seqs from `first` to `last`, in order. */
  messages(range: {
    readonly conversation: string;
    readonly first: number;
    readonly last: number;
  }): Promise<readonly MessageRow[]>;
  /** The next of the list: with a rank below `below`, at most `limit`. */
  conversations(page: { readonly below: number; readonly limit: number }): Promise<readonly ConversationRow[]>;
  conversation(key: { readonly id: string } | { readonly with: string }): Promise<ConversationRow | null>;
  /** All of them: the server bounds their number. In the order of user ids, by code units. */
  relations(): Promise<readonly RelationRow[]>;
  draft(key: string): Promise<string | null>;
  /**
   * Deletes messages to make room: at least `messages` of them, or all, the oldest ones of the conversations with the lowest rank first. Its
   * answer says how many. The ranges of the conversations become shorter in the same transaction.
   */
  evict(messages: number): Promise<number>;
  /** Called once, when this vault can no longer be used: deleted, evicted by the browser, or of an older schema than another tab needs. */
  onLost(listener: () => void): void;
  close(): void;
}
