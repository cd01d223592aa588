import type { Environment } from "../environment.ts";
import type { Cache } from "./cache.ts";
import type { Keeper } from "./keeper.ts";
import type { Pages } from "./pages.ts";

/** Asks the server for what this device cannot know of a conversation: the number of unread messages, and marks and setting from before its news. */
export interface Counts {
  /** Of these conversations something may have become unknown. Null: of any. */
  check(ids: readonly string[] | null): void;
  begin(): void;
  end(): void;
}

export type CountsOptions = {
  readonly clock: Environment["clock"];
  readonly cache: Cache;
  readonly keeper: Keeper;
  readonly pages: Pages;
  readonly onFault: (fault: unknown) => void;
};

/** How many are asked for at a time, and how often each in one connection while it stays unknown: it may have changed meanwhile. */
const askingMax = 4;
const triesMax = 5;
const retryMs = 1_000;

export function createCounts({ clock, cache, keeper, pages, onFault }: CountsOptions): Counts {
  let link: "down" | "up" = "down";
  const asking = new Set<string>();
  const tries = new Map<string, number>();

  function isKnown(id: string): boolean {
    const row = cache.conversations.get(id);
    return row === undefined || (row.isExact && row.isListed !== false);
  }

  function check(ids: readonly string[] | null): void {
    if (link === "down") return;
    for (const id of ids ?? cache.conversations.keys()) {
      // The next answer looks at all again.
      if (asking.size >= askingMax) return;
      if (isKnown(id) || asking.has(id)) continue;
      // Before the server has this device's own mark, its count is of an older one.
      if (!cache.wishes.has(`read ${id}`) && (tries.get(id) ?? 0) < triesMax) ask(id);
    }
  }

  function ask(id: string): void {
    const tried = (tries.get(id) ?? 0) + 1;
    asking.add(id);
    tries.set(id, tried);
    const again = (): void => {
      asking.delete(id);
      check(null);
    };
    fetchCount(id)
      .catch(onFault)
      .finally(() => {
        if (!isKnown(id)) return void clock.after(retryMs * tried, again);
        tries.delete(id);
        again();
      });
  }

  async function fetchCount(id: string): Promise<void> {
    const resets = cache.resets();
    const listed = await pages.conversation({ id });
    if (listed === null || listed === "none") return;
    await keeper.write({ conversations: [{ kind: "listed", listed }], resets }, "relaxed");
  }

  return {
    check,
    begin() {
      link = "up";
      tries.clear();
      check(null);
    },
    end() {
      link = "down";
    },
  };
}
