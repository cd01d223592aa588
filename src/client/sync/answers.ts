import { ClientError, type Message, refusal } from "../api.ts";
import type { Refusal, Target } from "../vault/rows.ts";
import type { Cache } from "./cache.ts";
import type { Keeper } from "./keeper.ts";
import { queryOf } from "./target.ts";

/** The promises for messages that this tab has sent. */
export interface Answers {
  /** Rejects with a `ClientError`. */
  of(id: string, target: Target): Promise<Message>;
  accepted(message: Message): void;
  refused(id: string, failed: Refusal): void;
  ended(id: string, fault: ClientError): void;
  /** Rejects all: the client is closed. */
  close(): void;
  /** Whether another tab has sent it meanwhile. */
  wasSent(id: string, target: Target): Promise<boolean>;
  /** Looks for the ends of those that left the outbox, or failed, without this tab. */
  find(): Promise<void>;
  /** It has not ended, as far as this tab and the vault know. */
  isOpen(id: string, target: Target): Promise<boolean>;
  /** The log is here up to now: what a reset has dropped of it has come again. */
  caughtUp(): Promise<void>;
}

type Waiting = {
  readonly target: Target;
  /** How often the vault had been reset when it was here up to now. */
  readonly resets: number;
  readonly resolve: (message: Message) => void;
  readonly reject: (fault: ClientError) => void;
};

/** Of how many of the newest messages one that another tab has sent is looked for. */
const newestMax = 1_000;

export function createAnswers({ cache, keeper }: { readonly cache: Cache; readonly keeper: Keeper }): Answers {
  const waiting = new Map<string, Waiting>();

  function accepted(message: Message): void {
    waiting.get(message.id)?.resolve(message);
    waiting.delete(message.id);
  }

  function ended(id: string, fault: ClientError): void {
    waiting.get(id)?.reject(fault);
    waiting.delete(id);
  }

  const refused = (id: string, failed: Refusal): void => ended(id, refusal(failed));

  /** The tab that has settled a row has put its message into the vault. */
  async function wasSent(id: string, target: Target): Promise<boolean> {
    const vault = keeper.vault();
    const row = await vault.conversation(queryOf(target));
    const last = row?.last?.seq ?? 0;
    if (row === null || last === 0) return false;
    const newest = await vault.messages({ conversation: row.id, first: Math.max(1, last - newestMax + 1), last });
    const message = newest.find((one) => one.id === id);
    if (message !== undefined) accepted(message);
    return message !== undefined;
  }

  async function find(): Promise<void> {
    for (const [id, { target, resets }] of [...waiting]) {
      const row = cache.pending.get(id)?.row;
      if (row?.failed !== undefined) refused(id, row.failed);
      if (row !== undefined || (await wasSent(id, target))) continue;
      // A reset may have dropped its message, which the log then brings again.
      const { meta } = await keeper.vault().boot(0);
      if (resets === (meta.resets ?? 0))
        ended(id, new ClientError("cancelled", "Another tab has cancelled it, or its storage was deleted"));
    }
  }

  return {
    of: (id, target) =>
      new Promise((resolve, reject) => waiting.set(id, { target, resets: cache.resets(), resolve, reject })),
    accepted,
    refused,
    ended,
    close() {
      for (const id of [...waiting.keys()])
        ended(id, new ClientError("closed", "The client is closed; the next one sends what is kept"));
    },
    isOpen: async (id, target) => waiting.has(id) && !(await wasSent(id, target).catch(() => false)),
    wasSent,
    find,
    async caughtUp() {
      for (const [id, one] of waiting) waiting.set(id, { ...one, resets: cache.resets() });
      await find();
    },
  };
}
