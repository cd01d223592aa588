import type { Environment } from "./environment.ts";
import type { Life } from "./life.ts";
import type { Frame, Link, Welcome } from "./link/contract.ts";
import type { Source } from "./readable.ts";
import type { Inbox } from "./sync/inbox.ts";
import type { List } from "./sync/list.ts";
import type { RelationPages } from "./sync/relation-pages.ts";
import type { Outbox } from "./sync/outbox.ts";
import type { PresenceBook } from "./sync/presence.ts";
import type { Sender } from "./sync/sender.ts";
import type { Typing } from "./sync/typing.ts";
import type { Wishes } from "./sync/wishes.ts";

/** Takes what the link brings to the part that it is for, and begins and ends all parts with each connection. */
export interface Receiver {
  welcome(welcome: Welcome): void;
  frame(frame: Frame): void;
  down(): void;
  close(): void;
}

export type ReceiverOptions = {
  readonly life: Pick<Life, "position" | "goesOn">;
  readonly sender: Sender;
  readonly outbox: Pick<Outbox, "begin">;
  readonly list: List;
  readonly relations: RelationPages;
  readonly wishes: Wishes;
  readonly typing: Typing;
  readonly presence: PresenceBook;
  readonly link: Pick<Link, "caughtUp">;
  readonly surroundings: Environment["surroundings"];
  /** The server's limit of a text, in bytes of UTF-8. */
  readonly textBytesMax: Pick<Source<number>, "set">;
  /** Makes the inbox, which calls `caughtUp` once the backlog of a connection is written. */
  readonly inbox: (caughtUp: () => void) => Inbox;
  /** `isFresh`: the device knew nothing of the log when the connection began. */
  readonly onCaughtUp: (isFresh: boolean) => void;
  /** The page is visible again; it may have been frozen. */
  readonly onShown: () => void;
  /** The page is being left, and may never run again. */
  readonly onLeaving: () => void;
};

export function createReceiver(options: ReceiverOptions): Receiver {
  const { life, sender, outbox, list, wishes, typing, presence, link, surroundings, onCaughtUp } = options;
  const inbox = options.inbox(caughtUp);
  /** The device knew nothing when a connection began, and none has caught up since. */
  let isFresh = false;
  let connection: "down" | "catching-up" | "live" = "down";
  const unsubscribe = surroundings.on((occasion) => {
    if (occasion === "visible" && connection === "live") presence.begin();
    if (occasion === "visible" || occasion === "resumed") options.onShown();
    if (occasion === "leaving") options.onLeaving();
  });

  function caughtUp(): void {
    connection = "live";
    link.caughtUp();
    list.begin(isFresh);
    options.relations.begin(isFresh);
    wishes.begin();
    // A frame other than `ping` and `ack` counts as the user: a hidden page asks for nothing, so that push goes on.
    if (surroundings.isVisible()) presence.begin();
    onCaughtUp(isFresh);
    isFresh = false;
  }

  return {
    close: unsubscribe,
    welcome({ limits, level, history }) {
      if (!life.goesOn(history)) return;
      connection = "catching-up";
      options.textBytesMax.set(limits.textBytes);
      const position = life.position();
      isFresh ||= position?.cursor === null;
      if (position !== null) inbox.begin(position, { level, history });
      sender.begin(limits.sendWindow);
      outbox.begin();
    },
    frame(frame) {
      switch (frame.type) {
        case "accepted":
        case "changes":
        case "reset":
          if (frame.type === "accepted") sender.answered(frame.id);
          if (frame.type === "reset") isFresh = true;
          return inbox.take(frame);
        case "rejected":
          return sender.rejected(frame);
        case "error":
          // To a send it is an answer for good: it will never be well-formed.
          if (frame.id === undefined) return wishes.refused();
          return sender.rejected({ ...frame, type: "rejected", id: frame.id, retry: "never" });
        case "typing":
          return typing.take(frame);
        case "presence":
          return presence.take(frame);
        default:
          return;
      }
    },
    down() {
      connection = "down";
      for (const part of [inbox, sender, list, wishes, typing, presence]) part.end();
    },
  };
}
