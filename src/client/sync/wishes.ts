import { pause } from "../../internal/clock.ts";
import { refusal } from "../api.ts";
import type { Environment } from "../environment.ts";
import type { Ask, Link } from "../link/contract.ts";
import type { ConversationPatch, Rest } from "../vault/merge.ts";
import { isSameRow, sameOr } from "../same.ts";
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
  want(wish: Wanted): Promise<void>;
  /** The wish for a mute that the server does not have yet. */
  mute(row: Pick<ConversationRow, "id"> | null): Extract<Wish, { kind: "mute" }> | null;
  /** The relations as the user wants them: the same array until one of them changes. */
  relations(): readonly RelationRow[];
  /** A connection has caught up. */
  begin(): void;
  /** A frame was refused, without saying which: read marks that went out as frames are asked for as requests, whose answers tell. */
  refused(): void;
  end(): void;
}

type WithoutKey<Of> = Of extends unknown ? Omit<Of, "key"> : never;
type RelationWish = Extract<Wish, { user: string }>;
/** A wish, before it has its key. */
export type Wanted = WithoutKey<Exclude<Wish, { kind: "read" }>>;

/** Of two wishes for the same the last one counts. */
const keyOf = (kind: Wish["kind"], of: string): string => `${kind} ${of}`;

export type WishesOptions = {
  readonly clock: Environment["clock"];
  readonly cache: Cache;
  readonly keeper: Keeper;
  readonly link: Pick<Link, "send" | "ask">;
  readonly onFault: (fault: unknown) => void;
};

const retryMs = 5_000;
/** A page for a time of repairs may name hours, and the server be back in minutes. */
const namedMsMax = 60_000;
/** How many are asked for at a time: one that gets no answer must not hold up the others, and most requests are left to the pages. */
const underWayMax = 2;

export function createWishes({ clock, cache, keeper, link, onFault }: WishesOptions): Wishes {
  let isOnline = false;
  /**
   * Keys of the wishes that are being asked for, and of those that failed and wait. Also from before this connection: of two wishes for the same the second one
   * must not overtake the first.
   */
  const busy = new Set<string>();
  let underWay = 0;
  /** The read mark of each conversation that last went out as a frame on this connection: its receipt grants it. */
  const sent = new Map<string, Wish>();
  /**
   * Wishes that the server has granted, with the user's relation when they were asked. The log brings the new one, and perhaps a still newer one of another device:
   * until then it is shown as granted, and never stored.
   */
  const answered = new Map<string, { readonly wish: RelationWish; readonly before: RelationRow | undefined }>();
  let wanted: readonly RelationRow[] = [];

  /** Asks for those that were not asked for yet. */
  function run(): void {
    for (const wish of cache.wishes.values()) {
      if (!isOnline || underWay === underWayMax) return;
      if (!busy.has(wish.key) && !isSameRow(wish, sent.get(wish.key))) void handle(wish);
    }
  }

  async function handle(wish: Wish): Promise<void> {
    busy.add(wish.key);
    underWay++;
    const isEnded = await ask(wish).catch(onFault);
    underWay--;
    if (isEnded !== true) {
      run();
      await pause(clock, retryMs);
    }
    busy.delete(wish.key);
    run();
  }

  /** True: it was answered for good, or is asked for again on the next connection. */
  async function ask(wish: Wish): Promise<boolean> {
    const resets = cache.resets();
    const version = wish.kind === "mute" ? (cache.conversations.get(wish.conversation)?.setting.version ?? 0) : 0;
    const before = "user" in wish ? cache.relations.get(wish.user) : undefined;
    const answer = await link.ask(askFor(wish));
    if (!isOnline) return true;
    if (!answer.ok && answer.retry) {
      // The time that a server names is for all.
      if (answer.retryAfterMs) await pause(clock, Math.min(answer.retryAfterMs, namedMsMax));
      return false;
    }
    // Refused for good: it would be refused again. The state of the server is shown.
    if (!answer.ok) onFault(refusal(answer));
    else if ("user" in wish && resets === cache.resets()) answered.set(wish.key, { wish, before });
    const conversations = answer.ok && wish.kind === "mute" ? [grantedMute(wish, version)] : [];
    await keeper.write({ conversations, granted: [wish], resets }, "relaxed");
    return true;
  }

  cache.subscribe((change) => {
    // What an ended history has granted does not hold in this one.
    if (change.of === "all" && change.isReset) answered.clear();
    // Also those of a tab that has died.
    if (change.of === "wishes") run();
  });

  return {
    async read({ conversation, seq, id, rest }) {
      const wish: Wish = { key: keyOf("read", conversation), kind: "read", conversation, seq, id };
      const patch = { kind: "read", conversation, seq, ...(rest !== undefined && { rest }) } as const;
      // It goes as a frame, where there is a connection.
      if (isOnline) sent.set(wish.key, wish);
      await keeper.write({ wishes: [wish], conversations: [patch], resets: cache.resets() }, "relaxed");
      if (!link.send({ type: "read", conversation, seq }) && sent.get(wish.key) === wish) sent.delete(wish.key);
    },
    async want(wish) {
      const key = keyOf(wish.kind, wish.kind === "mute" ? wish.conversation : wish.user);
      await keeper.write({ wishes: [{ ...wish, key }] }, "relaxed");
    },
    mute(row) {
      const wish = cache.wishes.get(keyOf("mute", row?.id ?? ""));
      return wish?.kind === "mute" ? wish : null;
    },
    relations() {
      const rows = new Map(cache.relations);
      for (const { wish, before } of answered.values())
        if (cache.relations.get(wish.user) === before) rows.set(wish.user, granted(wish, rows));
      for (const wish of cache.wishes.values()) if ("user" in wish) rows.set(wish.user, granted(wish, rows));
      wanted = sameOr(
        wanted,
        [...rows.values()].filter((row) => row.contact || row.blocked),
      );
      return wanted;
    },
    begin() {
      isOnline = true;
      sent.clear();
      answered.clear();
      run();
    },
    refused() {
      sent.clear();
      run();
    },
    end() {
      isOnline = false;
      sent.clear();
    },
  };
}

/** The setting that the server has now, for a server that sends none. */
const grantedMute = (
  { conversation, muted, until }: Extract<Wish, { kind: "mute" }>,
  version: number,
): ConversationPatch => ({
  ...{ kind: "setting", conversation, muted, version, isGranted: true },
  ...(until !== undefined && { until }),
});

/** The relation once this wish is granted. */
const granted = ({ kind, user, is }: RelationWish, rows: ReadonlyMap<string, RelationRow>): RelationRow => ({
  ...(rows.get(user) ?? { user, contact: false, blocked: false }),
  [kind === "contact" ? "contact" : "blocked"]: is,
});

function askFor(wish: Wish): Ask {
  if ("user" in wish)
    return { method: wish.is ? "PUT" : "DELETE", path: `/${wish.kind}s/${encodeURIComponent(wish.user)}` };
  const path = `/conversations/${encodeURIComponent(wish.conversation)}/${wish.kind}`;
  if (wish.kind === "read") return { method: "POST", path, body: { seq: wish.seq, id: wish.id } };
  return wish.muted ? { method: "PUT", path, body: { until: wish.until } } : { method: "DELETE", path };
}
