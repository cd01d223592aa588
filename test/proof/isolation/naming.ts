import { levelMax } from "../../../src/log/log-kinds.ts";
import { encodeConversation } from "../../../src/protocol/conversation-id.ts";
import type { Cursors } from "../../../src/protocol/cursor.ts";
import { isIdentifier } from "../../../src/protocol/identifier.ts";
import type { Ledger } from "./ledger.ts";
import { type Conversation, type CursorChoice, messageId, type Target, type Tenant, tenants } from "./script.ts";

export type NamingOptions = {
  readonly ledger: Ledger;
  readonly codec: Pick<Cursors, "encode" | "decode">;
  /** The cursors that each device got so far. */
  readonly cursors: ReadonlyMap<string, readonly string[]>;
  /** The head's cursor after each step so far. */
  readonly heads: readonly string[];
  /** Whether everything that does not belong to the user is replaced by something that does not exist. */
  readonly isHidden: boolean;
};

/** No position is so far ahead, whatever the other tenant does. */
const beyondChanges = 1_000_000;
/** No script draws this message id. */
const missingMessage = 999_999;
const missingConversation = (k: number): string => encodeConversation(2 ** 51 + k);

/** The real names in a script's acts, as frames and addresses have them at this moment of the world. */
export function createNaming({ ledger, codec, cursors, heads, isHidden }: NamingOptions) {
  function conversationOf(tenant: Tenant, user: string, { of, k }: Conversation): string {
    if (of === "nonsense") return ["c0", "nonsense", " "][k] ?? "";
    const other = tenants.find((one) => one !== tenant) ?? tenant;
    const known = ledger.conversations(of === "own" ? tenant : other);
    const id = of === "nobody" ? undefined : known[k];
    const isOthers = of === "own" && id !== undefined && !ledger.people(id).includes(user);
    return id === undefined || (isHidden && isOthers) ? missingConversation(k) : id;
  }

  /** A user without a conversation with this one must look like a missing user. */
  function hidden(tenant: Tenant, user: string, target: Target): Target {
    if (!isHidden || !("to" in target) || !isIdentifier(target.to) || target.to === user) return target;
    const { to } = target;
    const isKnown = ledger
      .conversations(tenant)
      .some((id) => [user, to].every((one) => ledger.people(id).includes(one)));
    return isKnown ? target : { to: "nobody" };
  }

  function cursorOf(choice: CursorChoice, slot: string): string | undefined {
    const mine = cursors.get(slot) ?? [];
    switch (choice) {
      case "none":
        return undefined;
      case "newest":
        return mine.at(-1);
      case "older":
        return mine[Math.floor(mine.length / 2)];
      case "foreign":
        return heads[Math.floor(heads.length / 2)];
      case "beyond":
        return codec.encode({ n: (codec.decode(heads.at(-1) ?? "")?.n ?? 0) + beyondChanges, level: levelMax });
      case "other epoch":
        return "zzzzzzzz.1";
      case "malformed":
        return "zzzzzzzz.01";
    }
  }

  return {
    conversationOf,
    cursorOf,
    /** The id of a message to this user. */
    messageOf(tenant: Tenant, user: string, id: number): string {
      const isTheirs = ledger.messages(tenant).some((one) => one.id === messageId(id) && one.to === user);
      return messageId(isHidden && !isTheirs ? missingMessage : id);
    },
    /** Typing to, or looking up, a user without a common conversation must look as for a missing user; a send creates one. */
    targetOf(tenant: Tenant, user: string, target: Target, { isLookUp = false } = {}): object {
      if (!("to" in target)) return { conversation: conversationOf(tenant, user, target.conversation) };
      return isLookUp ? hidden(tenant, user, target) : target;
    },
  };
}
