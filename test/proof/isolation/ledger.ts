import type { Message } from "../../../src/model.ts";
import type { Commit } from "../../../src/store/store.ts";

export type Ledger = ReturnType<typeof createLedger>;

/** The commits, as the store announced them: each tenant's conversations and change numbers. */
export function createLedger() {
  const conversations = new Map<string, string[]>();
  const people = new Map<string, readonly string[]>();
  const numbers = new Map<string, number[]>();
  const messages = new Map<string, Message[]>();
  let head = 0;

  return {
    note({ entries, to }: Commit): void {
      head = to;
      for (const { tenant, change } of entries) {
        numbers.set(tenant, [...(numbers.get(tenant) ?? []), change.n]);
        if (change.kind !== "message") continue;
        const { conversation, from, to = from } = change;
        messages.set(tenant, [...(messages.get(tenant) ?? []), change]);
        if (people.has(conversation)) continue;
        people.set(conversation, [from, to]);
        conversations.set(tenant, [...(conversations.get(tenant) ?? []), conversation]);
      }
    },
    /** A tenant's conversations in the order of their creation. */
    conversations: (tenant: string): readonly string[] => conversations.get(tenant) ?? [],
    people: (conversation: string): readonly string[] => people.get(conversation) ?? [],
    /** The newest change number of all tenants. */
    head: (): number => head,
    /** A tenant's messages in the order of the log. */
    messages: (tenant: string): readonly Message[] => messages.get(tenant) ?? [],
    /** How many of a tenant's changes are at or before a change number: the position in the tenant's own log. */
    rank: (tenant: string, n: number): number => (numbers.get(tenant) ?? []).filter((one) => one <= n).length,
  };
}
