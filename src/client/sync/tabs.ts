import type { Channel, Environment } from "../environment.ts";
import type { TabNotice } from "./keeper.ts";

/** The other tabs of the same user. Each has its own connection and reads the same vault; a notice names the data to read again. */
export interface Tabs {
  tell(notice: TabNotice): void;
  close(): void;
}

export type TabsOptions = Pick<Environment, "openChannel"> & {
  /** The same for all tabs of one user of one server. */
  readonly name: string;
  readonly onNotice: (notice: TabNotice) => void;
};

export function openTabs({ openChannel, name, onNotice }: TabsOptions): Tabs {
  const channel: Channel | null = openChannel(name, (notice) => {
    if (isTabNotice(notice)) onNotice(notice);
  });
  let isOpen = true;
  return {
    // A write may end after the client was closed, and a closed channel throws.
    tell: (notice) => isOpen && channel?.post(notice),
    close() {
      isOpen = false;
      channel?.close();
    },
  };
}

/** A tab with another release may post anything. */
function isTabNotice(notice: unknown): notice is TabNotice {
  return (
    typeof notice === "object" &&
    notice !== null &&
    "outbox" in notice &&
    "drafts" in notice &&
    Array.isArray(notice.drafts) &&
    "wishes" in notice
  );
}
