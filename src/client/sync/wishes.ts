import type { Environment } from "../environment.ts";
import type { Ask, Link } from "../link/contract.ts";
import type { Write } from "../vault/contract.ts";
import type { Rest } from "../vault/merge.ts";
import { isSameRow } from "../vault/resolve.ts";
import type { ConversationRow, RelationRow, Wish } from "../vault/rows.ts";
import type { Cache } from "./cache.ts";
import type { Keeper } from "./keeper.ts";

/** States that the user wants: kept on the device, and asked of the server until it has them. */
export interface Wishes {
  read(mark: {
    readonly conversation: string;
    readonly seq: number;
    readonly id: string;
    readonly rest?: Rest;
  }): Promise<void>;
  want(wish: Exclude<Wish, { kind: "read" }>): Promise<void>;
  /** The wish for a mute that the server does not have yet. */
  mute(row: Pick<ConversationRow, "id"> | null): Extract<Wish, { kind: "mute" }> | null;
  /** The relations as the user wants them: the same array until one of them changes. */
  relations(): readonly RelationRow[];
  /** A connection has caught up. */
  begin(): void;
  end(): void;
}

export type WishesOptions = {
  readonly clock: Environment["clock"];
  readonly cache: Cache;
  readonly keeper: Keeper;
  readonly link: Pick<Link, "send" | "ask">;
  readonly onFault: (fault: unknown) => void;
};

const retryMs = 5_000;

export function createWishes({ clock, cache, keeper, link, onFault }: WishesOptions): Wishes {
  let state: "offline" | "idle" | "asking" = "offline";
  /** The read mark of each conversation that last went out as a frame on this connection: its receipt grants it. */
  const sent = new Map<string, Wish>();
  let wanted: readonly RelationRow[] = [];

  /** Asks for the first wish that was not asked for yet; then for the next. */
  function run(): void {
    if (state !== "idle") return;
    const wish = [...cache.wishes.values()].find((one) => !isSameRow(one, sent.get(one.key)));
    if (wish === undefined) return;
    state = "asking";
    const resets = cache.resets();
    const version = wish.kind === "mute" ? (cache.conversations.get(wish.conversation)?.setting.version ?? 0) : 0;
    link.ask(askFor(wish), (answer) => {
      if (state === "offline") return;
      if (!answer.ok && answer.retry) return void clock.after(retryMs, goOn);
      // Refused for good: it would be refused again. The state of the server is shown.
      if (!answer.ok) onFault(new Error(`${answer.code}: ${answer.message}`));
      const granted = answer.ok ? grant(wish, version) : {};
      keeper.write({ ...granted, granted: [wish], resets }, "relaxed").then(goOn, (fault: unknown) => {
        onFault(fault);
        clock.after(retryMs, goOn);
      });
    });
  }

  function goOn(): void {
    if (state === "asking") state = "idle";
    run();
  }

  /** The state that the server has now, where no change of the log brings it. */
  function grant(wish: Wish, version: number): Pick<Write, "relations" | "conversations"> {
    if (wish.kind === "mute") {
      const { conversation, muted, until } = wish;
      const end = until === undefined ? {} : { until };
      return { conversations: [{ kind: "setting", conversation, muted, ...end, version, isGranted: true }] };
    }
    if (wish.kind === "read") return {};
    const known = cache.relations.get(wish.user) ?? { user: wish.user, contact: false, blocked: false };
    return { relations: [{ ...known, [wish.kind === "contact" ? "contact" : "blocked"]: wish.is }] };
  }

  // Also those of a tab that has died.
  cache.subscribe(({ of }) => void (of === "wishes" && run()));

  return {
    async read({ conversation, seq, id, rest }) {
      const wish: Wish = { key: `read ${conversation}`, kind: "read", conversation, seq, id };
      const patch = { kind: "read", conversation, seq, ...(rest !== undefined && { rest }) } as const;
      // It goes as a frame, where there is a connection.
      if (state !== "offline") sent.set(wish.key, wish);
      await keeper.write({ wishes: [wish], conversations: [patch], resets: cache.resets() }, "relaxed");
      if (!link.send({ type: "read", conversation, seq }) && sent.get(wish.key) === wish) sent.delete(wish.key);
    },
    async want(wish) {
      await keeper.write({ wishes: [wish] }, "relaxed");
    },
    mute(row) {
      const wish = cache.wishes.get(`mute ${row?.id ?? ""}`);
      return wish?.kind === "mute" ? wish : null;
    },
    relations() {
      const rows = new Map(cache.relations);
      for (const wish of cache.wishes.values()) {
        if (wish.kind !== "contact" && wish.kind !== "block") continue;
        const known = rows.get(wish.user) ?? { user: wish.user, contact: false, blocked: false };
        rows.set(wish.user, { ...known, [wish.kind === "contact" ? "contact" : "blocked"]: wish.is });
      }
      const next = [...rows.values()].filter((row) => row.contact || row.blocked);
      const isSame = next.length === wanted.length && next.every((row, at) => isSameRow(row, wanted[at]));
      return isSame ? wanted : (wanted = next);
    },
    begin() {
      state = "idle";
      sent.clear();
      run();
    },
    end() {
      state = "offline";
      sent.clear();
    },
  };
}

function askFor(wish: Wish): Ask {
  if (wish.kind === "read") {
    const { conversation, seq, id } = wish;
    return { method: "POST", path: `/conversations/${encodeURIComponent(conversation)}/read`, body: { seq, id } };
  }
  if (wish.kind === "mute") {
    const path = `/conversations/${encodeURIComponent(wish.conversation)}/mute`;
    const until = wish.until === undefined ? {} : { until: wish.until };
    return wish.muted ? { method: "PUT", path, body: until } : { method: "DELETE", path };
  }
  const list = wish.kind === "contact" ? "contacts" : "blocks";
  return { method: wish.is ? "PUT" : "DELETE", path: `/${list}/${encodeURIComponent(wish.user)}` };
}
