import type { Frame } from "../frames.ts";
import type { Closed } from "../wire/web-socket.ts";

/** A frame of a client, with the fields that the kit reads. */
export type ClientFrame = {
  readonly type: string;
  readonly id?: string;
  readonly to?: string;
  readonly conversation?: string;
  readonly text?: string;
  readonly cursor?: string;
  readonly typing?: boolean;
  readonly users?: readonly string[];
};

/** What went over a link, in order. */
export type Event =
  | { readonly from: "client"; readonly at: number; readonly frame: ClientFrame }
  | { readonly from: "server"; readonly at: number; readonly frame: Frame };

/** One connection of the client with the proxy. */
export interface Link {
  /** When its upgrade was asked for. */
  readonly at: number;
  readonly query: URLSearchParams;
  readonly events: readonly Event[];
  /** What one of the two ends has sent that is no frame of RFC 6455, or no text. */
  readonly violations: readonly string[];
  /** Sends the client a frame that no server has sent. */
  inject(frame: object): void;
  injectText(text: string): void;
  /** A text in the smallest pieces that the network and RFC 6455 allow. */
  injectInPieces(text: string): void;
  ping(): void;
  pongs(): number;
  close(code: number, reason?: string): void;
  cut(): void;
  /** Sends the first half of this frame, then drops the connection. */
  cutWithin(frame: object): void;
  readonly closed: Promise<Closed>;
  isOpen(): boolean;
}

/** Frames of the server that the client was sent on this link. */
export const toClient = ({ events }: Link): readonly Frame[] =>
  events.flatMap((event) => (event.from === "server" ? [event.frame] : []));

/** Frames that the client has sent on this link. */
export const fromClient = ({ events }: Link): readonly ClientFrame[] =>
  events.flatMap((event) => (event.from === "client" ? [event.frame] : []));

/** A frame of the server without the user's own messages: a server may send them on the connection that has their `accepted`, and need not. */
export function withoutMessagesOf(user: string): (frame: Frame) => readonly Frame[] {
  return (frame) =>
    frame.changes === undefined
      ? [frame]
      : [{ ...frame, changes: frame.changes.filter(({ kind, from }) => kind !== "message" || from !== user) }];
}

/** The sends among them. */
export const sendsOf = (
  links: readonly Link[],
): readonly (ClientFrame & { readonly at: number; readonly link: Link })[] =>
  links.flatMap((link) =>
    link.events.flatMap((event) =>
      event.from === "client" && event.frame.type === "send" ? [{ ...event.frame, at: event.at, link }] : [],
    ),
  );
