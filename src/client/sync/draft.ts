import type { Environment } from "../environment.ts";
import { createSource, type Readable } from "../readable.ts";
import type { DraftChange } from "../vault/contract.ts";
import type { Cache } from "./cache.ts";
import type { Keeper } from "./keeper.ts";

/** The text that a user has typed for one target, and not sent. */
export interface Draft extends Readable<string> {
  isWatched(): boolean;
  /** The texts of this tab that may be stored: where another one is, it was typed in another tab. */
  stored(): readonly string[];
  set(text: string): void;
  /** Reads it from the vault, unless the user is typing here. */
  load(): void;
  /** Its message is being kept: the draft is deleted in the same write. */
  taken(): void;
  /** Saves an unsaved text at once. */
  flush(): void;
  /** The page is being left. */
  leave(): void;
  /** That message could not be kept: its text goes back, below the present text. */
  restore(text: string): void;
}

/** How long a typed text may be unsaved. */
const saveMs = 300;

export function createDraft({
  key,
  clock,
  cache,
  keeper,
  onFault,
}: {
  readonly key: string;
  readonly clock: Environment["clock"];
  readonly cache: Pick<Cache, "pending">;
  readonly keeper: Keeper;
  readonly onFault: (fault: unknown) => void;
}): Draft {
  const source = createSource("", { onFault });
  let cancelSave: (() => void) | null = null;
  /** Counts what happened to the text here: a read of the vault that began before is too old. */
  let changes = 0;
  /** Up to which of them all is stored, or is stored with a message. */
  let saved = 0;
  /** Saved here, or read: the last one, and those before it whose write has not come back. */
  let stored: readonly string[] = [];

  function save(): void {
    cancelSave = null;
    const text = source.get();
    const at = changes;
    const change: DraftChange = text === "" ? [key, null, stored] : [key, text];
    stored = [...stored, text];
    keeper
      .write({ drafts: [change] }, "relaxed")
      .then(() => {
        saved = at;
        stored = stored.slice(Math.max(0, stored.indexOf(text)));
      })
      .catch(onFault);
  }

  function set(text: string): void {
    changes++;
    source.set(text);
    cancelSave ??= clock.after(saveMs, save);
  }

  function flush(): void {
    if (cancelSave === null) return;
    cancelSave();
    save();
  }

  return {
    ...source,
    stored: () => stored,
    set,
    load() {
      const before = changes;
      // This read may come before its write.
      const isUnsaved = cancelSave !== null;
      keeper
        .vault()
        .draft(key)
        .then((text) => {
          if (isUnsaved || cancelSave !== null || changes !== before) return;
          stored = [text ?? ""];
          // One that went out while the storage hung, and was not kept, stays in the vault until it is accepted.
          const isSent = [...cache.pending.values()].some((one) => one.draft?.[0] === key && one.row.text === text);
          source.set(isSent ? "" : (text ?? ""));
        })
        .catch(onFault);
    },
    flush,
    leave() {
      flush();
      if (saved !== changes) keeper.leave(key, { drafts: [[key, source.get() || null, ["", ...stored]]] });
    },
    taken() {
      saved = ++changes;
      cancelSave?.();
      cancelSave = null;
      source.set("");
    },
    restore(text) {
      const present = source.get();
      set(present === "" ? text : `${present}\n${text}`);
    },
  };
}
