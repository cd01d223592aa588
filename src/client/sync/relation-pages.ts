import { refusal } from "../api.ts";
import type { Environment } from "../environment.ts";
import type { Answer, Link } from "../link/contract.ts";
import { withParameters } from "../link/path.ts";
import type { Cache } from "./cache.ts";
import type { Keeper } from "./keeper.ts";

/** Gets the contacts and blocks of a device that knows none. */
export interface RelationPages {
  /** A connection has caught up. `isFresh`: the device begins here, or was reset. */
  begin(isFresh: boolean): void;
}

export type RelationPagesOptions = {
  readonly clock: Environment["clock"];
  readonly cache: Cache;
  readonly keeper: Keeper;
  readonly link: Pick<Link, "ask">;
  readonly onFault: (fault: unknown) => void;
};

/** The server keeps 10,000 at most, in pages of 200 (PROTOCOL 5). */
const pagesMax = 50;
const retryMs = 10_000;

export function createRelationPages({ clock, cache, keeper, link, onFault }: RelationPagesOptions): RelationPages {
  /** They are still to be fetched: an earlier try may have failed, or its tab may have died. */
  let isDue = false;

  /** Null: the server cannot be asked now. */
  async function fetchNames(list: "contacts" | "blocks"): Promise<ReadonlySet<string> | null> {
    const names = new Set<string>();
    let after: string | null = null;
    for (let page = 0; page < pagesMax; page++) {
      const answer: Answer = await link.ask({ method: "GET", path: withParameters(`/${list}`, { after }) });
      if (!answer.ok && answer.retry) return null;
      if (!answer.ok) throw refusal(answer);
      const body = answer.body as { [list in string]?: { user: string }[] } & { readonly next?: string | null };
      for (const { user } of body[list] ?? []) names.add(user);
      after = body.next ?? null;
      if (after === null) break;
    }
    return names;
  }

  async function fetchAll(): Promise<void> {
    const resets = cache.resets();
    const contacts = await fetchNames("contacts");
    const blocks = contacts && (await fetchNames("blocks"));
    if (contacts === null || blocks === null) return later();
    const listed = [...new Set([...contacts, ...blocks])].map((user) => ({
      ...{ user, contact: contacts.has(user), blocked: blocks.has(user) },
    }));
    await keeper.write({ listed, resets }, "relaxed");
    isDue = false;
  }

  const later = (): void => void clock.after(retryMs, () => isDue && run());

  function run(): void {
    fetchAll().catch((fault: unknown) => {
      onFault(fault);
      later();
    });
  }

  return {
    begin(isFresh) {
      // Another tab may have got a reset, which has dropped what this one had stored.
      isDue = isFresh || !cache.isListed();
      if (isDue) run();
    },
  };
}
