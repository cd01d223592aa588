import { userHeaderOf } from "../../protocol/user-header.ts";
import type { Environment } from "../environment.ts";
import { type Authenticate, createAuthenticator } from "./authenticator.ts";
import type { Failure, Link, LinkEvents } from "./contract.ts";
import { createGuard } from "./guard.ts";
import { openPolling } from "./polling.ts";
import { createQueue } from "./queue.ts";
import { createRequests, failure } from "./requests.ts";
import { type Connection, openSocket } from "./socket.ts";
import { deadlineOf, type Effect, initialState, type LinkEvent, type State } from "./state.ts";
import { createStatus } from "./status.ts";
import { step } from "./step.ts";
import { createTimer } from "./timer.ts";
import { hiddenMsMax } from "./turn.ts";

export type LinkOptions = {
  readonly environment: Environment;
  /** Where the server is mounted, without a slash at its end: `https://app.example/chat`. */
  readonly url: string;
  readonly user: string;
  readonly tenant: string;
  /** Absent: cookies prove the user. */
  readonly authenticate?: Authenticate;
  /** `polling`: it opens no WebSocket. */
  readonly transport?: "auto" | "polling";
  /** Called with faults that the link survives. */
  readonly onFault: (fault: unknown) => void;
};

/** What executes each kind of effect. */
type Executors = { readonly [Type in Effect["type"]]: (effect: Extract<Effect, { type: Type }>) => void };

const closed = failure(0, { code: "closed", message: "The client is closed" });

/** The way to the server, idle at first. It executes the effects of `step`, and gives their results back as events. */
export function createLink(options: LinkOptions, events: LinkEvents): Link {
  const { environment, url, user, tenant } = options;
  const { clock, randomBytes, surroundings } = environment;
  const { attempt, onFault } = createGuard(options.onFault);
  let state = initialState({
    identity: { user, tenant },
    isOffline: !surroundings.isOnline(),
    sleepAt: surroundings.isVisible() ? Infinity : clock.elapsed() + hiddenMsMax,
    stripped: options.transport === "polling" ? Infinity : 0,
  });
  let connection: Connection | null = null;
  const queue = createQueue(take);
  const move = createTimer(clock, (lateMs) => dispatch({ type: "tick", lateMs }));
  const show = createStatus(clock, events.onStatus);
  const reportForeign = createForeignReport(url, onFault);

  const requests = createRequests({
    environment,
    url,
    own: userHeaderOf({ tenant, user }),
    onStranger: () => dispatch({ type: "stranger" }),
    credentials: () =>
      // Never as another user, nor as one who is banned.
      endOf(state) ??
      (state.credentials.type === "held"
        ? { generation: state.credentials.generation, content: authenticator.content() }
        : null),
    onRefused: (generation) => dispatch({ type: "refused", generation }),
    onNeeded: () => dispatch({ type: "credentials-needed" }),
  });

  const authenticator = createAuthenticator({ clock, authenticate: options.authenticate, dispatch, onFault });

  const execute: Executors = {
    "get-credentials": authenticator.request,
    "get-position": ({ generation }) =>
      events.onConnect((position) => dispatch({ type: "position", generation, position })),
    open({ generation, transport, position }) {
      connection = (transport === "socket" ? openSocket : openPolling)({
        environment,
        url,
        requests,
        credentials: authenticator.content,
        position,
        events: {
          onFrame: (frame) => dispatch({ type: "frame", generation, frame }),
          onDropped: (code, reason) => dispatch({ type: "dropped", generation, code, reason }),
          onFailed: (reason) => dispatch({ type: "failed", generation, failure: reason }),
        },
        onFault,
      });
    },
    close() {
      connection?.close();
      connection = null;
    },
    "ask-why": ({ generation }) =>
      void requests.exchange({ method: "GET", path: "/me" }, authenticator.content(), (answer) =>
        dispatch({ type: "explained", generation, failure: answer.ok ? null : answer }),
      ),
    ping: ({ id }) => connection?.send({ type: "ping", id }),
    authenticate: ({ id }) =>
      connection?.send({ type: "authenticate", token: authenticator.content().token ?? "", id }),
    welcome: ({ welcome }) => events.onWelcome(welcome),
    frame: ({ frame }) => events.onFrame(frame),
    down: () => events.onDown(),
  };

  function dispatch(event: LinkEvent): void {
    queue(event);
  }

  function take(event: LinkEvent): void {
    const before = state;
    const [random = 0] = randomBytes(1);
    const next = step(state, { event, at: clock.elapsed(), chance: random / 255 });
    ({ state } = next);
    for (const effect of next.effects) attempt(() => (execute[effect.type] as (effect: Effect) => void)(effect));
    attempt(() => show(state));
    // The following depends on the state alone.
    const { credentials, phase } = state;
    reportForeign(phase);
    move(deadlineOf(state));
    authenticator.endOthers(credentials.type === "asking" ? credentials.generation : 0);
    const end = phase === before.phase ? null : endOf(state);
    if (end !== null) requests.close(end);
    else if (before.credentials.type === "asking" && credentials.type === "absent")
      requests.fail(failure(0, { code: "unauthenticated", message: "There are no credentials now" }));
    if (credentials !== before.credentials || phase !== before.phase) requests.flush();
  }

  const stopListening = surroundings.on((occasion) => dispatch({ type: "occasion", occasion }));

  return {
    start: () => dispatch({ type: "start" }),
    stop: () => dispatch({ type: "stop" }),
    send(frame) {
      if (frame.type !== "ack") dispatch({ type: state.phase.type === "asleep" ? "probe" : "used" });
      if (state.phase.type !== "live") return false;
      attempt(() => connection?.send(frame));
      return true;
    },
    probe: () => dispatch({ type: "probe" }),
    reconnect: (waitMs) => dispatch({ type: "reconnect", ...(waitMs !== undefined && { waitMs }) }),
    caughtUp: () => dispatch({ type: "caught-up" }),
    ask(request) {
      dispatch({ type: "used" });
      return new Promise((resolve) => requests.ask(request, resolve));
    },
    retry: () => dispatch({ type: "retry" }),
    reauthenticate: () => dispatch({ type: "reauthenticate" }),
    close() {
      stopListening();
      dispatch({ type: "close" });
    },
  };
}

/** Why no credentials are to come. */
function endOf({ phase }: State): Failure | null {
  if (phase.type === "closed") return closed;
  if (phase.type === "ended") return failure(403, { code: phase.code, message: phase.reason });
  return phase.type === "unauthenticated" ? failure(0, { code: phase.type, message: phase.reason }) : null;
}

/** Says where something other than Tidings answers, once until a connection holds. */
function createForeignReport(url: string, onFault: (fault: unknown) => void): (phase: State["phase"]) => void {
  let isSaid = false;
  return (phase) => {
    const isForeign = phase.type === "waiting" && phase.reason === "foreign";
    if (isForeign && !isSaid) onFault(new Error(`There is no chat at ${url}: is this where the server mounts it?`));
    isSaid = isForeign || (isSaid && phase.type !== "live");
  };
}
