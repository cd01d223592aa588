import { AuthorizationError, connect } from "@nats-io/transport-node";
import { createLog } from "../../internal/logger.ts";
import { createListeners } from "../listeners.ts";
import { encodeSubject } from "../subject.ts";
import type { Transport } from "../transport.ts";
import { backoffMs } from "../../internal/backoff.ts";
import { systemClock } from "../../internal/clock.ts";
import { systemRandom } from "../../internal/random.ts";
import { waitAtMost } from "../../internal/deadline.ts";
import { type NatsConfig, type NatsServer, signInOf } from "./nats-config.ts";
import { probe } from "./nats-probe.ts";
import { createLink, type Link } from "./nats-link.ts";

const defaultPace = {
  /** The time between two pings; a connection is lost if one is unanswered when the next is due. */
  pingMs: 10_000,
  /** The time in which a server must answer at all, and then accept the connection. */
  dialMs: 3_000,
  /** Before all servers are tried again: at first, and at most. Each wait is somewhere between its half and its whole. */
  retryMs: 200,
  retryMsMax: 5_000,
  /** A connection that lasted this long was a good one: after its loss, the first waits are short again. */
  steadyMs: 10_000,
  /** The time in which published texts must go out when the transport is closed. */
  drainMs: 800,
  /** Bytes of hints that may be under way to the server: more than a busy node sends in a second. */
  pendingBytesMax: 8_388_608,
};

export type Pace = typeof defaultPace;

/** The beginning of a node's texts, by which it knows its own. */
const markChars = 12;

/**
 * The transport over NATS. It makes each connection anew, and the library never reconnects: then nothing waits in the
 * library without a connection, it never gives up for a reason of its own, and other users of the library in this process,
 * which share its factory of sockets, cannot make it reconnect by other means.
 */
export function createNatsTransport({ servers, prefix }: NatsConfig, changes: Partial<Pace> = {}): Transport {
  const pace = { ...defaultPace, ...changes };
  const log = createLog(["tidings", "bus"]);
  const mark = systemRandom.secret().slice(0, markChars);
  const ending = new AbortController();
  const { signal } = ending;
  const gapListeners: (() => void)[] = [];
  const listeners = createListeners({ begin: (key) => link?.listen(key), end: (key) => link?.forget(key) });
  let link: Link | null = null;
  let isAway = false;
  let closing: Promise<void> | null = null;

  function reportGap(): void {
    if (!signal.aborted) for (const listener of gapListeners) listeners.guarded(listener);
  }

  /** Rejects with the reason for which the server cannot be used now. */
  async function open({ host, port, name, credentials }: NatsServer): Promise<Link> {
    const isGreeted = credentials.tls?.handshakeFirst !== true;
    await probe({ host, port, isGreeted, timeoutMs: pace.dialMs, signal });
    const connection = await connect({
      ...credentials,
      servers: [name],
      name: "tidings",
      noEcho: true,
      reconnect: false,
      ignoreClusterUpdates: true,
      ignoreAuthErrorAbort: true,
      noAsyncTraces: true,
      timeout: pace.dialMs,
      pingInterval: pace.pingMs,
      maxPingOut: 1,
    });
    const { pendingBytesMax } = pace;
    return createLink({ connection, prefix, mark, pendingBytesMax, onText: listeners.receive, onRefusal: reportGap });
  }

  /** Resolves when the connection is lost, or not needed any more. */
  async function serve(opened: Link, { name }: NatsServer): Promise<void> {
    if (signal.aborted) return await opened.end(0);
    link = opened;
    for (const key of listeners.keys()) opened.listen(key);
    log.info("the bus is there", { server: name });
    isAway = false;
    await opened.settled();
    if (link === opened) reportGap();
    await opened.closed;
    link = null;
  }

  /** Logs it once, until the bus is there again. */
  function reportAway(error: unknown): void {
    if (isAway || signal.aborted) return;
    isAway = true;
    log.warn("the bus is away: until it is back, nodes find out later by themselves", {
      ...{ error, ...signIns(servers, error) },
    });
  }

  /** The time for which the server was connected, in milliseconds; an error where it could not be used. */
  async function visit(server: NatsServer): Promise<number | Error> {
    try {
      const opened = await open(server);
      const sinceMs = systemClock.elapsed();
      await serve(opened, server);
      return systemClock.elapsed() - sinceMs;
    } catch (cause) {
      log.debug("a server of the bus cannot be used", {
        server: server.name,
        error: cause,
        ...signIns(servers, cause),
      });
      return cause instanceof Error ? cause : new Error("The server cannot be used", { cause });
    }
  }

  async function run(): Promise<void> {
    const order = shuffled(servers);
    for (let rounds = 0; !signal.aborted; rounds++) {
      let outcome: number | Error = 0;
      for (const server of [...order]) {
        outcome = await visit(server);
        if (signal.aborted) return;
        if (outcome instanceof Error) continue;
        if (outcome >= pace.steadyMs) rounds = 0;
        // The server that was lost comes last.
        order.push(...order.splice(0, order.indexOf(server) + 1));
        outcome = new Error(`The connection to ${server.name} was lost`);
        break;
      }
      reportAway(outcome);
      await pause(backoffMs(systemRandom, { attempt: rounds, minMs: pace.retryMs, maxMs: pace.retryMsMax }), signal);
    }
  }

  const running = run();

  async function close(): Promise<void> {
    ending.abort();
    listeners.clear();
    await link?.end(pace.drainMs);
    // If a server accepts the connection at this very moment, `serve` ends it.
    await waitAtMost(running, { clock: systemClock, ms: pace.drainMs / 8 });
  }

  return {
    publish(subject, text) {
      const key = encodeSubject(subject);
      if (key !== null && !signal.aborted) link?.publish(key, text);
    },
    subscribe(subject, listener) {
      const end = listeners.add(subject, listener);
      if (signal.aborted) end();
      return end;
    },
    onGap: (listener) => void gapListeners.push(listener),
    close: () => (closing ??= close()),
  };
}

/** The configured sign-ins, where a server refused one; never a secret. */
const signIns = (servers: readonly NatsServer[], error: unknown) =>
  error instanceof AuthorizationError && {
    signIns: servers.map(({ name, credentials }) => `${name} as ${signInOf(credentials)}`).join(", "),
  };

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(end, ms);
    function end(): void {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    }
    signal.addEventListener("abort", end);
    if (signal.aborted) end();
  });

function shuffled<T>(all: readonly T[]): T[] {
  const order = [...all];
  for (let i = order.length - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1));
    [order[i], order[j]] = [order[j] as T, order[i] as T];
  }
  return order;
}
