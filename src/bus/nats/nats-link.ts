import { createLog } from "../../internal/logger.ts";
import { type NatsConnection, PermissionViolationError, type Subscription } from "@nats-io/transport-node";
import { systemClock } from "../../internal/clock.ts";
import { utf8Bytes } from "../../internal/utf8.ts";
import { waitAtMost } from "../../internal/deadline.ts";

export type LinkOptions = {
  readonly connection: NatsConnection;
  readonly prefix: string;
  /** The beginning of this node's texts; those of all nodes have the same length. */
  readonly mark: string;
  /** Bytes that may be under way to the server. */
  readonly pendingBytesMax: number;
  readonly onText: (key: string, text: string) => void;
  /** The server has refused something; called once for each kind of refusal. */
  readonly onRefusal: () => void;
};

/** The bytes of a publish beside its text: the command, the subject and the objects that hold them. */
const besideTextBytes = 256;
/** The limit of a text, where the server does not send its own. */
const payloadBytesMax = 1_048_576;

/** Kinds of refusal that are reported of one connection; a server's words may have no end. */
const refusedMax = 16;

const ignore = (): void => {};

/** One connection to a server, from its opening until it is lost. Nothing here throws or rejects. */
export function createLink({ connection, prefix, mark, pendingBytesMax, onText, onRefusal }: LinkOptions) {
  const log = createLog(["tidings", "bus"]);
  const subscriptions = new Map<string, Subscription>();
  const refused = new Set<string>();
  let sentBytes = 0;
  /** The part of them that the server is known to have read. */
  let readBytes = 0;
  let isAsking = false;
  /** Hints that were dropped since the server last read everything. */
  let dropped = 0;

  const closed: Promise<void> = connection.closed().then(ignore, ignore);
  void watch().catch(ignore);

  async function watch(): Promise<void> {
    for await (const status of connection.status()) {
      // The library would first wait until its buffer is empty, which with a silent peer never happens.
      if (status.type === "staleConnection") void close();
      else if (status.type === "error") refuse(status.error);
    }
  }

  /** Reports each kind of refusal once. The server's words may hold a subject, and so a user. */
  function refuse(error: Error): void {
    const kind = error instanceof PermissionViolationError ? `permission: ${error.operation}` : error.message;
    if (refused.has(kind) || refused.size >= refusedMax) return;
    refused.add(kind);
    log.warn("the bus's server refused something", { reason: kind });
    onRefusal();
  }

  /**
   * Texts that a stopped server does not read would wait in memory; so it is asked now and then whether it has read so far, and
   * hints above the limit are dropped.
   */
  function ask(): void {
    if (isAsking || sentBytes - readBytes < pendingBytesMax / 8) return;
    const upTo = sentBytes;
    isAsking = true;
    connection.flush().then(() => {
      readBytes = upTo;
      isAsking = false;
      dropped = 0;
      ask();
    }, ignore);
  }

  /** Resolves once the server has taken everything so far, or the connection is lost. */
  const settled = (): Promise<void> => Promise.race([connection.flush().then(ignore, ignore), closed]);

  async function close(): Promise<void> {
    await connection.close().catch(ignore);
  }

  return {
    publish(key: string, text: string): void {
      const bytes = mark.length + utf8Bytes(text);
      const { max_payload: bytesMax = payloadBytesMax } = connection.info ?? {};
      if (bytes > bytesMax) return log.debug("a hint is larger than the server takes", { bytes, bytesMax });
      const wantedBytes = sentBytes - readBytes + bytes + besideTextBytes;
      if (wantedBytes > pendingBytesMax) {
        if (dropped++ === 0) log.debug("the server does not read as fast as hints are made: some are dropped");
        return;
      }
      try {
        connection.publish(`${prefix}.${key}`, mark + text);
        sentBytes += bytes + besideTextBytes;
        ask();
      } catch (error) {
        log.debug("a hint could not be sent", { error });
      }
    },
    listen(key: string): void {
      try {
        const subscription = connection.subscribe(`${prefix}.${key}`, {
          callback(error, message) {
            if (error !== null) return;
            const text = message.string();
            // The server does not echo the texts of this connection, but may echo those of the one before.
            if (text.length >= mark.length && !text.startsWith(mark)) onText(key, text.slice(mark.length));
          },
        });
        subscriptions.set(key, subscription);
      } catch (error) {
        log.debug("the connection was lost before a subscription could be made", { error });
      }
    },
    forget(key: string): void {
      subscriptions.get(key)?.unsubscribe();
      subscriptions.delete(key);
    },
    settled,
    /** Resolves when the connection is lost. */
    closed,
    /** Ends it, in order where that takes no longer than this. */
    async end(ms: number): Promise<void> {
      await waitAtMost(settled(), { clock: systemClock, ms });
      await close();
    },
  };
}

export type Link = ReturnType<typeof createLink>;
