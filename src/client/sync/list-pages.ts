import type { ConversationList } from "../api.ts";
import type { Environment } from "../environment.ts";
import type { Cache } from "./cache.ts";
import type { Keeper } from "./keeper.ts";
import type { Pages } from "./pages.ts";

/** Extends the list downwards: by what the device holds, then by the server's list. */
export interface ListPages {
  more(): ConversationList["more"];
  load(): void;
  /** A connection has caught up. `isFresh`: the device knows nothing, so that the server's first page is needed. */
  begin(isFresh: boolean): void;
  end(): void;
  /** The list is of another history: it begins anew. */
  restart(): void;
}

export type ListPagesOptions = {
  readonly clock: Environment["clock"];
  readonly cache: Cache;
  readonly keeper: Keeper;
  readonly pages: Pages;
  readonly onChange: () => void;
  readonly onFault: (fault: unknown) => void;
};

/** How many rows are read or asked for at a time. */
export const listPage = 50;
/** When a page that could not be had is asked for again. */
const retryMs = 5_000;

export function createListPages({ clock, cache, keeper, pages, onChange, onFault }: ListPagesOptions): ListPages {
  /** Where the server's list goes on. */
  let next: { readonly after: string | null } | "end" = { after: null };
  let more: ConversationList["more"] = "more";
  let link: "down" | "up" = "down";

  function set(to: ConversationList["more"]): void {
    more = to;
    onChange();
    if (to === "unreachable") clock.after(retryMs, retry);
  }

  function retry(): void {
    if (link === "up" && more === "unreachable") run(fetchPage());
  }

  async function load(): Promise<void> {
    if (cache.floor() > -Infinity) {
      const rows = await keeper.vault().conversations({ below: cache.floor(), limit: listPage });
      cache.addPage(rows, rows.length < listPage);
      if (rows.length > 0) return set("more");
    }
    await fetchPage();
  }

  async function fetchPage(): Promise<void> {
    const from = next;
    if (from === "end") return set("end");
    const resets = cache.resets();
    const page = await pages.conversations(from.after);
    // The list has begun anew, or another request has brought this page.
    if (next !== from) return;
    if (page === null) return set("unreachable");
    const conversations = page.conversations.map((listed) => ({ kind: "listed", listed }) as const);
    const { history } = page;
    // A page that cannot be stored is asked for again, and so is one under the name of another history: a node of the server may hear late of a restore.
    const isOutdated =
      conversations.length > 0 && (await keeper.write({ conversations, resets, history }, "relaxed")).isOutdated;
    if (next !== from) return;
    if (isOutdated) return set("unreachable");
    next = page.next === null ? "end" : { after: page.next };
    set(next === "end" ? "end" : "more");
  }

  function run(work: Promise<void>): void {
    work.catch((fault: unknown) => {
      onFault(fault);
      set("unreachable");
    });
  }

  return {
    more: () => more,
    load() {
      if (more === "loading" || more === "end") return;
      set("loading");
      run(load());
    },
    begin(isFresh) {
      link = "up";
      if (isFresh) next = { after: null };
      if (isFresh || more === "unreachable" || cache.conversations.size === 0) run(fetchPage());
    },
    end() {
      link = "down";
    },
    restart() {
      next = { after: null };
      more = "more";
    },
  };
}
