import type { Credentials, CredentialRequest, Status } from "../api.ts";
import type { Environment } from "../environment.ts";
import type { Failure, Link, LinkEvents } from "./contract.ts";
import { openPolling } from "./polling.ts";
import { createRequests, failure } from "./requests.ts";
import { type Connection, type ConnectionEvents, openSocket } from "./socket.ts";
import { deadlineOf, type Effect, initialState, type LinkEvent, type State } from "./state.ts";
import { step } from "./step.ts";
import { hiddenMsMax } from "./turn.ts";

export type LinkOptions = {
  readonly environment: Environment;
  /** Where the server is mounted: `https://app.example/chat`. */
  readonly url: string;
  readonly user: string;
  /** Default: the tenant of a server without tenants. */
  readonly tenant?: string;
  /** Absent: cookies prove the user. */
  readonly authenticate?: (request: CredentialRequest) => Promise<Credentials | null>;
  /** Called with faults that the link survives. */
  readonly onFault: (fault: unknown) => void;
};

/**
 * The way to the server, idle at first. It executes the effects of `step`, and gives their results back as events.
 *
 * @example
 * const link = createLink({ environment, url: "https://app.example/chat", user: "alice", authenticate, onFault }, events);
 * link.start();
 */
export function createLink(options: LinkOptions, events: LinkEvents): Link {
  const { environment, user, tenant = "default", authenticate, onFault } = options;
  const { clock, randomBytes, surroundings } = environment;
  const url = options.url.replace(/\/+$/, "");
  let state = initialState({
    identity: { user, tenant },
    isOffline: !surroundings.isOnline(),
    sleepAt: surroundings.isVisible() ? Infinity : clock.elapsed() + hiddenMsMax,
  });
  let content: Credentials = {};
  let connection: Connection | null = null;
  let asked: { readonly generation: number; readonly controller: AbortController } | null = null;
  const timer = createTimer(environment, (lateMs) => dispatch({ type: "tick", lateMs }));
  const showStatus = createStatus(environment, events);

  const requests = createRequests({
    environment,
    url,
    credentials: () =>
      state.credentials.type === "held" ? { generation: state.credentials.generation, content } : endOf(state),
    onRefused: (generation) => dispatch({ type: "refused", generation }),
    onNeeded: () => dispatch({ type: "credentials-needed" }),
  });

  function getCredentials({ generation, reason, attempt }: Extract<Effect, { type: "get-credentials" }>): void {
    const controller = new AbortController();
    asked = { generation, controller };
    const settle = (got: Credentials | null | "fault"): void => {
      if (asked?.generation !== generation) return;
      asked = null;
      if (got !== null && got !== "fault") content = got;
      dispatch({ type: "credentials", generation, got: got === null ? "none" : got === "fault" ? got : termsOf(got) });
    };
    const ask = async (): Promise<Credentials | null> =>
      authenticate === undefined ? {} : await authenticate({ reason, attempt, signal: controller.signal });
    ask().then(settle, (fault: unknown) => {
      settle("fault");
      onFault(fault);
    });
  }

  const termsOf = ({ token, expiresAt }: Credentials): { readonly isToken: boolean; readonly lastMs: number } => ({
    isToken: token !== undefined,
    lastMs: expiresAt === undefined ? Infinity : expiresAt - clock.now(),
  });

  function open({ generation, transport, position }: Extract<Effect, { type: "open" }>): void {
    const connectionEvents: ConnectionEvents = {
      onFrame: (frame) => dispatch({ type: "frame", generation, frame }),
      onDropped: (code, reason) => dispatch({ type: "dropped", generation, code, reason }),
      onFailed: (failed) => dispatch({ type: "failed", generation, failure: failed }),
    };
    const openConnection = transport === "socket" ? openSocket : openPolling;
    const credentials = (): Credentials => content;
    connection = openConnection({ environment, url, requests, credentials, position, events: connectionEvents, onFault });
  }

  function execute(effect: Effect): void {
    switch (effect.type) {
      case "get-credentials":
        return getCredentials(effect);
      case "get-position": {
        const { generation } = effect;
        return events.onConnect((position) => dispatch({ type: "position", generation, position }));
      }
      case "open":
        return open(effect);
      case "close":
        connection?.close();
        connection = null;
        return;
      case "ask-why": {
        const { generation } = effect;
        requests.exchange({ method: "GET", path: "/me" }, content, (answer) =>
          dispatch({ type: "explained", generation, failure: answer.ok ? null : answer }),
        );
        return;
      }
      case "ping":
        return connection?.send({ type: "ping", id: effect.id });
      case "authenticate":
        return connection?.send({ type: "authenticate", token: content.token ?? "", id: effect.id });
      case "welcome":
        return events.onWelcome(effect.welcome);
      case "frame":
        return events.onFrame(effect.frame);
      case "down":
        return events.onDown();
    }
  }

  /** Effects cause further events: these wait until the effects before them are done. */
  const take = createQueue((event: LinkEvent) => {
    const before = state;
    const [random = 0] = randomBytes(1);
    const next = step(state, { event, at: clock.elapsed(), chance: random / 255 });
    state = next.state;
    for (const effect of next.effects) attempt(() => execute(effect), onFault);
    settle(before);
  });

  function dispatch(event: LinkEvent): void {
    take(event);
  }

  /** What follows from the state alone. */
  function settle(before: State): void {
    const { credentials, phase } = state;
    if (asked !== null && (credentials.type !== "asking" || credentials.generation !== asked.generation)) {
      asked.controller.abort();
      asked = null;
    }
    timer(deadlineOf(state));
    attempt(() => showStatus(state), onFault);
    if (phase.type === "closed") return requests.close(closed);
    if (before.credentials.type === "asking" && credentials.type === "absent")
      requests.fail(failure(0, "unauthenticated", "There are no credentials now"));
    if (credentials !== before.credentials || phase !== before.phase) requests.flush();
  }

  const stopListening = surroundings.on((occasion) => dispatch({ type: "occasion", occasion }));

  return {
    start: () => dispatch({ type: "start" }),
    stop: () => dispatch({ type: "stop" }),
    send(frame) {
      if (frame.type !== "ack") dispatch({ type: state.phase.type === "asleep" ? "probe" : "used" });
      if (state.phase.type !== "live") return false;
      attempt(() => connection?.send(frame), onFault);
      return true;
    },
    probe: () => dispatch({ type: "probe" }),
    reconnect: (waitMs) => dispatch({ type: "reconnect", ...(waitMs !== undefined && { waitMs }) }),
    caughtUp: () => dispatch({ type: "caught-up" }),
    ask(request, done) {
      dispatch({ type: "used" });
      requests.ask(request, (answer) => attempt(() => done(answer), onFault));
    },
    retry: () => dispatch({ type: "retry" }),
    close() {
      stopListening();
      dispatch({ type: "close" });
    },
  };
}

/** Why there are no credentials, if none are to come. */
function endOf({ phase }: State): Failure | null {
  if (phase.type === "closed") return closed;
  if (phase.type === "ended") return failure(403, phase.code, phase.reason);
  return phase.type === "unauthenticated" ? failure(401, phase.type, phase.reason) : null;
}

const closed = failure(0, "closed", "The client is closed");

function attempt(work: () => void, onFault: (fault: unknown) => void): void {
  try {
    work();
  } catch (fault) {
    onFault(fault);
  }
}

function createQueue<Item>(handle: (item: Item) => void): (item: Item) => void {
  const items: Item[] = [];
  return (item) => {
    // The first stays in the list while it is handled.
    if (items.push(item) > 1) return;
    for (let next: Item | undefined = item; next !== undefined; next = items[0]) {
      handle(next);
      items.shift();
    }
  };
}

/** One timer, moved with each call. A clock that does not run while the device sleeps would hide that it did: so both are read. */
function createTimer({ clock }: Environment, onDue: (lateMs: number) => void): (at: number) => void {
  let due = Infinity;
  let cancel = (): void => {};
  return (at) => {
    if (at === due) return;
    cancel();
    due = at;
    if (at === Infinity) return;
    const ms = Math.max(0, at - clock.elapsed());
    const wallDue = clock.now() + ms;
    cancel = clock.after(ms, () => {
      due = Infinity;
      onDue(Math.max(clock.elapsed() - at, clock.now() - wallDue));
    });
  };
}

/** Reports each change of the status once. */
function createStatus({ clock }: Environment, events: LinkEvents): (state: State) => void {
  let shown = { key: '{"state":"idle"}', phase: null as State["phase"] | null };
  return (state) => {
    const { phase } = state;
    if (phase === shown.phase) return;
    const status = statusOf(state);
    const key = JSON.stringify(status);
    const isSame = key === shown.key;
    shown = { key, phase };
    if (isSame) return;
    events.onStatus(status.state === "waiting" ? { ...status, until: clock.now() + status.until - clock.elapsed() } : status);
  };
}

function statusOf({ phase, failures }: State): Status {
  switch (phase.type) {
    case "connecting":
      return { state: "connecting", attempt: failures + 1 };
    case "live":
      return phase.isCaughtUp ? { state: "online", transport: phase.transport } : { state: "catching-up" };
    case "unauthenticated":
      return { state: phase.type, reason: phase.reason };
    case "ended":
      return { state: phase.type, code: phase.code, reason: phase.reason };
    case "waiting":
      return { state: phase.type, until: phase.until, reason: phase.reason };
    default:
      return { state: phase.type };
  }
}
