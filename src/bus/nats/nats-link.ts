import { createLog } from "../../internal/logger.ts";
import { type NatsConnection, PermissionViolationError, type Subscription } from "@nats-io/transport-node";
import { systemClock } from "../../internal/clock.ts";
import { utf8Bytes } from "../../internal/utf8.ts";
import { waitAtMost } from "../../internal/deadline.ts";

export type LinkOptions = {
  readonly connection: NatsConnection;
  readonly prefix: string;
  /** What this node's texts begin with; all nodes' are of the same length. */
  readonly mark: string;
  /** Bytes that may be on their way to the server. */
  readonly pendingBytesMax: number;
  readonly onText: (key: string, text: string) => void;
  /** The server has refused something, once for each kind of it. */
  readonly onRefusal: () => void;
};

/** What a publish costs beside its text: the command, the subject and what holds them. */
const besideTextBytes = 256;
/** A server's own limit, where it does not tell one. */
const payloadBytesMax = 1_048_576;

/** One connection to a server, from when it is there until it is lost. Nothing here throws or rejects. */
export function createLink({ connection, prefix, mark, pendingBytesMax, onText, onRefusal }: LinkOptions) {
  const log = createLog(["tidings", "bus"]);
  const subscriptions = new Map<string, Subscription>();
  const refused = new Set<string>();
  let sentBytes = 0;
  /** How much of it the server is known to have read. */
  let readBytes = 0;
  let isAsking = false;
  let isFull = false;

  const closed: Promise<void> = connection.closed().then(
    () => {},
    () => {},
  );
  void watch().catch(ignore);

  async function watch(): Promise<void> {
    for await (const status of connection.status()) {
      // The library would first wait until what it has written is gone, which to a peer that is silent it never is.
      if (status.type === "staleConnection") void close();
      else if (status.type === "error") refuse(status.error);
    }
  }

  /** The server has its say each time; once is enough. Its words may hold a subject, and so a user. */
  function refuse(error: Error): void {
    const kind = error instanceof PermissionViolationError ? `permission: ${error.operation}` : error.message;
    if (refused.has(kind) || refused.size >= refusedMax) return;
    refused.add(kind);
    log.warn("the bus's server refused something", { reason: kind });
    onRefusal();
  }

  /**
   * What a server that is stopped does not read would wait in memory; so it is asked now and then whether it has read so far, and
   * what would be too much is dropped.
   */
  function ask(): void {
    if (isAsking || sentBytes - readBytes < pendingBytesMax / 8) return;
    const upTo = sentBytes;
    isAsking = true;
    connection.flush().then(() => {
      readBytes = upTo;
      isAsking = false;
      isFull = false;
      ask();
    }, ignore);
  }

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
        if (!isFull) log.debug("the server does not read as fast as hints are made: some are dropped");
        isFull = true;
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
            const said = message.string();
            // The server keeps from us what we said on this connection, but not on the one before.
            if (said.length >= mark.length && !said.startsWith(mark)) onText(key, said.slice(mark.length));
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
    /** Resolves once the server has taken all that it was told so far, or the connection is lost. */
    settled: (): Promise<void> => Promise.race([connection.flush().then(ignore, ignore), closed]),
    closed,
    /** Ends it, in order where that takes no longer than this. */
    async end(ms: number): Promise<void> {
      await waitAtMost(this.settled(), { clock: systemClock, ms });
      await close();
    },
  };
}

export type Link = ReturnType<typeof createLink>;

/** Kinds of refusal that are told on one connection; a server's words may have no end. */
const refusedMax = 16;

const ignore = (): void => {};
