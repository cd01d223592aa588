import { type Tenant, users } from "./script.ts";
import { isPush } from "./pushing.ts";
import type { Received, World } from "./world.ts";

/** Everything that any user received in a world. */
export const receivedIn = ({ events }: World): readonly Received[] =>
  events.filter((event) => event.type === "received");

/**
 * Everything that a tenant received, one line each, a connection after the other in each step, in names that do not depend on the
 * other tenant: conversations, and the keys and tags of pushes, by their first appearance; cursors by their position among the tenant's
 * own changes. The times of the fake clock stay as they are.
 */
export function transcriptOf(world: World, tenant: Tenant): readonly string[] {
  const { ledger, codec } = world;
  const naming = (kind: string): ((id: string) => string) => {
    const names = new Map<string, string>();
    return (id) => {
      const name = names.get(id) ?? `${kind} ${names.size + 1}`;
      names.set(id, name);
      return name;
    };
  };
  const [conversationName, keyName, tagName] = [naming("conversation"), naming("key"), naming("tag")];
  const cursorName = (text: string): string => {
    const cursor = codec.decode(text);
    return cursor !== null ? `cursor after ${ledger.rank(tenant, cursor.n)}` : `no cursor (${text})`;
  };
  /** A position in the log, or in the list of conversations, counted by the tenant's own changes below it. */
  const placeName = (n: number): string => `place above ${ledger.rank(tenant, n - 1)}`;
  const nextName = (text: string): unknown => {
    if (["dave", "erin", ...users].includes(text)) return text;
    const opened = codec.unseal(text) ?? "";
    const [, place] = /^conversations (\d+)$/.exec(opened) ?? [];
    if (place !== undefined) return placeName(Number(place));
    type Next = { texts: Record<string, string>; walk: { down?: number; up?: number; author?: number } };
    const { texts, walk } = JSON.parse(opened) as Next;
    // Keys of users are no seqs: they count the users of all tenants.
    const { author, ...where } = walk;
    if (texts["conversation"] !== undefined || texts["with"] !== undefined) {
      const isByIds = texts["ids"] !== undefined;
      return {
        texts,
        where: isByIds ? { ...where, up: placeName(1 + (where.up ?? 0)) } : where,
        author: author !== undefined,
      };
    }
    const [down, up] = [where.down ?? 0, where.up ?? 0];
    return { texts, ...where, down: placeName(down), up: placeName(up + 1), author: author !== undefined };
  };
  const rename = (key: string, value: unknown): unknown => {
    if (typeof value !== "string") return value;
    if (key === "next") return nextName(value);
    if (key === "key") return keyName(value);
    if (key === "tag") return tagName(value);
    if (key === "id" && ledger.people(value).length > 0) return conversationName(value);
    return key === "conversation" ? conversationName(value) : key === "cursor" ? cursorName(value) : value;
  };
  /** Pushes of one turn end in any order. */
  const rankOf = (received: Received): number =>
    isPush(received) ? ledger.conversations(tenant).indexOf(String(Reflect.get(received.what, "conversation"))) : 0;
  return receivedIn(world)
    .filter(({ slot }) => slot.startsWith(`${tenant} `))
    .toSorted((a, b) => a.step - b.step || (a.slot < b.slot ? -1 : a.slot > b.slot ? 1 : rankOf(a) - rankOf(b)))
    .map(({ step, slot, what }) => `${step} ${slot} ${JSON.stringify(what, rename)}`);
}

/** The first line in which two transcripts differ, as a text; null: they are the same. */
export function differenceOf(one: readonly string[], other: readonly string[]): string | null {
  const length = Math.max(one.length, other.length);
  for (let i = 0; i < length; i++)
    if (one[i] !== other[i]) return `line ${i + 1} is ${one[i] ?? "missing"} and ${other[i] ?? "missing"}`;
  return null;
}
