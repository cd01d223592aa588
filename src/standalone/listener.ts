import type { NodeOptions } from "../adapter/node.ts";
import type { Chat } from "../chat.ts";

export type ListenOptions = {
  /** 0: any free port. */
  readonly port: number;
  /** The address to listen on, without brackets. */
  readonly hostname: string;
  /** Answers every request that is not an upgrade to the chat's socket. */
  readonly fetch: NonNullable<NodeOptions["fetch"]>;
};

/** A listening server of any runtime. */
export type Listener = {
  readonly port: number;
  /** Closes every connection that is still open. */
  stop(): Promise<void>;
};

/** Serves a chat at an address; rejects if the address cannot be used. */
export type Listen = (chat: Chat, options: ListenOptions) => Promise<Listener>;
