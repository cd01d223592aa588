import type { Client, Target } from "../../client/index.ts";
import type { TidingsChatEventMap } from "../tidings-chat-types.ts";

type Detail<Name extends keyof TidingsChatEventMap> = TidingsChatEventMap[Name]["detail"];

/** Dispatches an event of the element. False: the host has prevented what it says. */
export const dispatch = <Name extends keyof TidingsChatEventMap>(
  element: EventTarget,
  { name, detail }: { readonly name: Name; readonly detail: Detail<Name> },
): boolean => element.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true, cancelable: true }));

type ReportOptions = {
  readonly client: Client;
  readonly element: EventTarget;
  /** The only thread whose messages are reported; null: all of them. */
  readonly only: () => Target | null;
};

/** Makes events of the element from those of the client. Returns the function that ends this. */
export function reportEvents({ client, element, only }: ReportOptions): () => void {
  const isMeant = (about: {
    readonly with: readonly (string | undefined)[];
    readonly conversation?: string;
  }): boolean => {
    const target = only();
    if (target === null) return true;
    return "with" in target ? about.with.includes(target.with) : about.conversation === target.conversation;
  };
  const reportUnread = (): void => void dispatch(element, { name: "tidings-unread", detail: client.unread.get() });
  const reportStatus = (): void => void dispatch(element, { name: "tidings-status", detail: client.status.get() });
  reportUnread();
  reportStatus();
  const ends = [
    client.unread.subscribe(reportUnread),
    client.status.subscribe(reportStatus),
    client.on("message", (message) => {
      const { from, conversation } = message;
      if (isMeant({ with: [from], conversation })) dispatch(element, { name: "tidings-message", detail: message });
    }),
    client.on("accepted", (message) => {
      const { to, conversation } = message;
      if (isMeant({ with: [to], conversation })) dispatch(element, { name: "tidings-accepted", detail: message });
    }),
    client.on("failed", (failed) => {
      const { target } = failed;
      const about = "with" in target ? { with: [target.with] } : { with: [], conversation: target.conversation };
      if (isMeant(about)) dispatch(element, { name: "tidings-failed", detail: failed });
    }),
  ];
  return () => ends.forEach((end) => end());
}
