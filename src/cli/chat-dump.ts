import type { Scope, Storage } from "../client/vault/contract.ts";
import type { ConversationRow, MessageRow } from "../client/vault/rows.ts";

/** Everything that a device keeps: the messages conversation by conversation, in order, and what still waits to be sent. */
export type Dump = {
  readonly messages: readonly MessageRow[];
  readonly outbox: readonly { readonly id: string; readonly text: string }[];
};

const pageRows = 200;

/** Reads a device's own data, without its server. */
export async function readDump(storage: Storage, scope: Scope): Promise<Dump> {
  // The client has made the vault: the name is used only if it has not yet.
  const vault = await storage.open(scope, () => crypto.randomUUID());
  try {
    const { outbox } = await vault.boot(0);
    const messages: MessageRow[] = [];
    let page: readonly ConversationRow[];
    let below = Infinity;
    do {
      page = await vault.conversations({ below, limit: pageRows });
      for (const { id, ranges } of page)
        for (const [first, last] of ranges) messages.push(...(await vault.messages({ conversation: id, first, last })));
      below = page.at(-1)?.rank ?? below;
    } while (page.length === pageRows);
    const waiting = outbox.filter(({ failed }) => failed === undefined).map(({ id, text }) => ({ id, text }));
    return { messages, outbox: waiting };
  } finally {
    vault.close();
  }
}
