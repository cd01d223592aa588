import { decodeCursor } from "../../src/protocol/cursor.ts";
import type { Tenant } from "./script.ts";
import type { Told, World } from "./world.ts";

/** What anybody was told in a world. */
export const toldIn = ({ events }: World): readonly Told[] => events.filter((event) => event.type === "told");

/**
 * All that a tenant was told, a line each and a connection after the other in each step, in names that do not depend on what another tenant does: conversations by their
 * first appearance, cursors by their place among the tenant's own changes. The times of the fake clock stay as they are.
 */
export function transcriptOf(world: World, tenant: Tenant): readonly string[] {
  const { ledger, epoch } = world;
  const names = new Map<string, string>();
  const conversationName = (id: string): string => {
    const name = names.get(id) ?? `conversation ${names.size + 1}`;
    names.set(id, name);
    return name;
  };
  const cursorName = (text: string): string => {
    const cursor = decodeCursor(text);
    return cursor?.epoch === epoch ? `cursor after ${ledger.rank(tenant, cursor.n)}` : `no cursor (${text})`;
  };
  const rename = (key: string, value: unknown): unknown => {
    if (typeof value !== "string") return value;
    return key === "conversation" ? conversationName(value) : key === "cursor" ? cursorName(value) : value;
  };
  return toldIn(world)
    .filter(({ slot }) => slot.startsWith(`${tenant} `))
    .toSorted((a, b) => a.step - b.step || (a.slot < b.slot ? -1 : a.slot > b.slot ? 1 : 0))
    .map(({ step, slot, what }) => `${step} ${slot} ${JSON.stringify(what, rename)}`);
}

/** Where two transcripts part, as a text for people; null: they are the same. */
export function differenceOf(one: readonly string[], other: readonly string[]): string | null {
  const length = Math.max(one.length, other.length);
  for (let i = 0; i < length; i++)
    if (one[i] !== other[i]) return `line ${i + 1} is ${one[i] ?? "missing"} and ${other[i] ?? "missing"}`;
  return null;
}
