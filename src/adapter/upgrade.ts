import type { Peer } from "../access/peer.ts";
import type { Chat } from "../chat.ts";
import { isSocketPath } from "../http/api.ts";
import { parseBase } from "../http/path.ts";
import { problem } from "../protocol/problem.ts";

/** The part of a chat that adapters use. */
export type Served = Pick<Chat, "admit" | "connect" | "fetch" | "limits"> & { readonly base?: string | undefined };

/** The options of an adapter that serves a chat itself. */
export type MountOptions = {
  /** The path under which the chat is mounted, such as `/chat`: the socket is at `/chat/ws`. Default: the chat's, or any prefix. */
  readonly base?: string;
  /** Answers every request that is not an upgrade to the chat's socket; default: the chat's own routes. */
  readonly fetch?: (request: Request, peer: Peer) => Response | Promise<Response>;
};

/** Whether a request is for the chat's socket, where the chat is mounted at `base`. */
export function socketMatcher(base: string | undefined): (request: Request) => boolean {
  const mount = base === undefined ? undefined : parseBase(base);
  return ({ url }) => isSocketPath(url, mount);
}

/** The answer where the runtime refuses an upgrade: a part of the handshake is missing, or the peer is gone. */
export const notUpgraded = (): Response =>
  problem("upgrade_required", "The request could not be upgraded to a WebSocket");

/** The answer where the adapter, or the host's own `fetch`, fails. */
export const failed = (): Response => problem("internal", "The request could not be answered");
