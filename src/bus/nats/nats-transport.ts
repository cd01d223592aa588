import { AuthorizationError, connect } from "@nats-io/transport-node";
import { createLog } from "../../internal/logger.ts";
import { createListeners } from "../listeners.ts";
import { encodeSubject } from "../subject.ts";
import type { Transport } from "../transport.ts";
import { systemClock } from "../../internal/clock.ts";
import { backoffMs } from "../../internal/backoff.ts";
import { waitAtMost } from "../../internal/deadline.ts";
import { systemRandom } from "../../internal/random.ts";
import { type NatsConfig, type NatsServer, signInOf } from "./nats-config.ts";
import { knock } from "./nats-probe.ts";
import { createLink, type Link } from "./nats-link.ts";

const defaultPace = {
  /** A connection whose server leaves one ping unanswered until the next is lost. */
  pingMs: 10_000,
  /** How long a server may take to answer at all, and then to let us in. */
  dialMs: 3_000,
  /** Before all servers are tried again: at first, and at most. Each wait is somewhere between its half and its whole. */
  retryMs: 200,
  retryMsMax: 5_000,
  /** A connection that lasted so long was a good one: losing it starts with short waits again. */
  steadyMs: 10_000,
  /** How long what was published may take to go out when the transport is closed. */
  drainMs: 800,
  /** Bytes of hints that may be on their way to the server; it is a second's worth of a busy node, and more. */
  pendingBytesMax: 8_388_608,
};

export type Pace = typeof defaultPace;

/** Tells one node from another in what they publish. */
const markChars = 12;

/**
 * The transport over NATS. It makes each connection anew, in place of letting the library reconnect: then nothing waits in the
 * library while there is none, it never gives up for a reason of its own, and other users of the library in this process,
 * who share its sockets' factory with us, cannot make it reconnect by other means.
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

  function tellGap(): void {
    if (!signal.aborted) for (const listener of gapListeners) listeners.guarded(listener);
  }

  /** Rejects with why the server cannot be used now. */
  async function open({ host, port, name, credentials }: NatsServer): Promise<Link> {
    const isGreeted = credentials.tls?.handshakeFirst !== true;
    await knock({ host, port, isGreeted, timeoutMs: pace.dialMs, signal });
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
    return createLink({ connection, prefix, mark, pendingBytesMax, onText: listeners.tell, onRefusal: tellGap });
  }

  /** Resolves when the connection is lost, or not needed any more. */
  async function serve(opened: Link, { name }: NatsServer): Promise<void> {
    if (signal.aborted) return await opened.end(0);
    link = opened;
    for (const key of listeners.keys()) opened.listen(key);
    log.info("the bus is there", { server: name });
    isAway = false;
    await opened.settled();
    if (link === opened) tellGap();
    await opened.closed;
    link = null;
  }

  /** Says it once, until the bus is there again. */
  function reportAway(error: unknown): void {
    if (isAway || signal.aborted) return;
    isAway = true;
    log.warn("the bus is away: until it is back, nodes find out later by themselves", { error, ...signIns(error) });
  }

  /** As whom we came, where a server did not let us in: which of the ways that were configured, never a secret. */
  const signIns = (error: unknown) =>
    error instanceof AuthorizationError && {
      signIns: servers.map(({ name, credentials }) => `${name} as ${signInOf(credentials)}`).join(", "),
    };

  /** For how long the server served us, in milliseconds; an error where it could not be used. */
  async function visit(server: NatsServer): Promise<number | Error> {
    try {
      const opened = await open(server);
      const sinceMs = systemClock.elapsed();
      await serve(opened, server);
      return systemClock.elapsed() - sinceMs;
    } catch (cause) {
      log.debug("a server of the bus cannot be used", { server: server.name, error: cause, ...signIns(cause) });
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
        // The one that was lost comes last.
        order.push(...order.splice(0, order.indexOf(server) + 1));
        outcome = new Error(`The connection to ${server.name} was lost`);
        break;
      }
      reportAway(outcome);
      await pause(backoffMs(systemRandom, { attempt: rounds, minMs: pace.retryMs, maxMs: pace.retryMsMax }));
    }
  }

  const pause = (ms: number): Promise<void> =>
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

  const running = run();

  async function close(): Promise<void> {
    ending.abort();
    listeners.clear();
    await link?.end(pace.drainMs);
    // A server that lets one in this very moment is left again by `serve`.
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

function shuffled<T>(all: readonly T[]): T[] {
  const order = [...all];
  for (let i = order.length - 1; i > 0; i--) {
    const j = systemRandom.integer() % (i + 1);
    [order[i], order[j]] = [order[j] as T, order[i] as T];
  }
  return order;
}
