import type { Channel, Environment } from "../environment.ts";
import type { Hint } from "./keeper.ts";

/** The other tabs of the same user. Each has its own connection and reads the same vault; a hint says what it shall read again. */
export interface Tabs {
  tell(hint: Hint): void;
  close(): void;
}

export function openTabs(openChannel: Environment["openChannel"], name: string, onHint: (hint: Hint) => void): Tabs {
  const channel: Channel | null = openChannel(name, (hint) => {
    if (isHint(hint)) onHint(hint);
  });
  return {
    tell: (hint) => channel?.post(hint),
    close: () => channel?.close(),
  };
}

/** A tab with another release may post anything. */
function isHint(hint: unknown): hint is Hint {
  return (
    typeof hint === "object" &&
    hint !== null &&
    "outbox" in hint &&
    "drafts" in hint &&
    Array.isArray(hint.drafts) &&
    "wishes" in hint
  );
}
