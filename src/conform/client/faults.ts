import type { Frame } from "../frames.ts";
import type { ClientFrame, Link } from "./link.ts";
import type { Refusal } from "./proxy-answers.ts";

/** A request as the proxy sees it. */
export type SeenRequest = {
  readonly at: number;
  readonly method: string;
  readonly url: URL;
  readonly body: string;
  /** The body of the answer that the client was given. Null: there is none yet. */
  answer: string | null;
  /** The server has answered, and the client was not given it. */
  isLost: boolean;
};

/** What the proxy does to the traffic. A case replaces the functions while it runs. */
export type Faults = {
  /** Which frames the client gets for one of the server. */
  fromServer: (frame: Frame, link: Link) => readonly object[];
  /** Which frames the server gets for one of the client. */
  fromClient: (frame: ClientFrame, link: Link) => readonly object[];
  /** Refuses an upgrade, and what asks for the reason. */
  refusal: (url: URL) => Refusal | null;
  /** Something on the way lets no WebSocket pass, and all other requests. */
  blocksSockets: boolean;
  /** What the server answers to requests is lost. */
  losesAnswers: boolean;
  /** Called with each request before the server gets it. */
  onRequest: (request: SeenRequest) => void;
  /** Nothing answers: each connection is dropped. */
  isOffline: boolean;
  /** In place of what the client proves itself with; null: that. */
  authorization: string | null;
  /** How long each frame takes. */
  delayMs: number;
  /** The server behind the proxy. */
  upstream: string;
};

const passed = <T>(frame: T): readonly T[] => [frame];

/** A network without faults. */
export const noFaults: Omit<Faults, "upstream"> = {
  ...{ fromServer: passed, fromClient: passed, refusal: () => null, onRequest() {} },
  ...{ blocksSockets: false, losesAnswers: false, isOffline: false, authorization: null, delayMs: 0 },
};
