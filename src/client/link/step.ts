import { closeCode } from "../../protocol/close-code.ts";
import type { Occasion } from "../environment.ts";
import type { WaitReason } from "../api.ts";
import { caughtUp, greet, probe, receive, renew, tickLive, upgrade } from "./live.ts";
import { absent, type Effect, type Input, isActive, type LinkEvent, type State } from "./state.ts";
import {
  askForCredentials,
  backoff,
  connect,
  enter,
  failWith,
  getPosition,
  greetingMsMax,
  hiddenMsMax,
  mayUseSockets,
  reconnectRefused,
  refuse,
  strippedMax,
  transportOf,
  type Turn,
  waitForNext,
  waitOffline,
} from "./turn.ts";

/** Before a greeting the heartbeat of the server is not known. */
const sleepMsMin = 25_000;
const unreadMs = 3_000;
/** Fresh credentials are asked for this long before the old ones end, or after half of their time. */
const renewalMs = { ahead: 60_000, min: 30_000 } as const;

/**
 * One step of the link: the state after an event, and the effects in their order. It is pure: the driver executes the effects, and their results
 * come back as events.
 */
export function step(
  state: State,
  { event, at, chance }: Input,
): { readonly state: State; readonly effects: readonly Effect[] } {
  const turn: Turn = { ...state, at, chance, effects: [] };
  if (state.phase.type !== "closed") apply(turn, event);
  const { at: _, chance: __, effects, ...next } = turn;
  return { state: next, effects };
}

function apply(turn: Turn, event: LinkEvent): void {
  const { phase, connection } = turn;
  if (event.type === "frame" || event.type === "dropped" || event.type === "failed") {
    // Late events of an ended connection change nothing.
    const isOpen = phase.type === "live" || (phase.type === "connecting" && phase.at === "greeting");
    return isOpen && event.generation === connection ? applyConnection(turn, event) : undefined;
  }
  switch (event.type) {
    case "start":
      return phase.type === "idle" ? wake(turn) : undefined;
    case "stop":
      return isActive(phase) || phase.type === "asleep" ? enter(turn, { type: "idle" }) : undefined;
    case "close":
      enter(turn, { type: "closed" });
      turn.credentials = absent("start");
      return;
    case "retry":
      return retry(turn);
    case "reauthenticate":
      return reauthenticate(turn);
    case "probe":
      return phase.type === "idle" ? undefined : wake(turn);
    case "used":
      return use(turn);
    case "reconnect":
      if (phase.type !== "live" && phase.type !== "connecting") return;
      if (event.waitMs === undefined) return connect(turn);
      return enter(turn, { type: "waiting", until: turn.at + event.waitMs, reason: "storage" });
    case "caught-up":
      return phase.type === "live" ? caughtUp(turn, phase) : undefined;
    case "occasion":
      return applyOccasion(turn, event.occasion);
    case "tick":
      return tick(turn, event.lateMs);
    case "credentials-needed":
      return phase.type === "unauthenticated" || phase.type === "ended" ? undefined : askForCredentials(turn);
    case "credentials":
      return applyCredentials(turn, event);
    case "refused":
      return refuse(turn, event.generation);
    case "stranger":
      return phase.type === "ended" ? undefined : enter(turn, { type: "unauthenticated", reason: "identity" });
    case "position":
      if (event.generation !== connection || phase.type !== "connecting" || phase.at !== "position") return;
      if (event.position === null) return waitForNext(turn, { reason: "storage" });
      turn.phase = { ...phase, at: "greeting", until: turn.at + greetingMsMax };
      turn.effects.push({ ...event, position: event.position, type: "open", transport: transportOf(turn) });
      return;
    case "explained":
      if (event.generation !== connection || phase.type !== "connecting" || phase.at !== "reason") return;
      if (event.failure !== null) return failWith(turn, event.failure);
      return ++turn.stripped < strippedMax ? waitForNext(turn, { reason: "network" }) : connect(turn);
  }
}

function applyConnection(turn: Turn, event: Extract<LinkEvent, { type: "frame" | "dropped" | "failed" }>): void {
  const { phase } = turn;
  if (event.type === "failed") return failWith(turn, event.failure);
  if (event.type === "dropped") return drop(turn, event.code, event.reason);
  if (phase.type === "live") receive(turn, { frame: event.frame, phase });
  else if (phase.type === "connecting" && event.frame.type === "welcome")
    greet(turn, { welcome: event.frame, proof: phase.proof });
}

/** Close codes by which a server says why, in the place of a network that failed. */
const spokenReasons: Readonly<Record<number, WaitReason>> = {
  [closeCode.goingAway]: "server",
  [closeCode.storeFailed]: "server",
  [closeCode.restart]: "server",
  1013: "busy",
  [closeCode.rateLimited]: "rate",
};

/** The socket has closed. */
function drop(turn: Turn, code: number, text: string): void {
  const { phase } = turn;
  const [, named] = /retryAfterMs=(\d+)/.exec(text) ?? [];
  const reason = spokenReasons[code];
  if (code >= 4500 && code < 5000)
    return enter(turn, { type: "ended", code: code === closeCode.banned ? "banned" : String(code), reason: text });
  if (code === closeCode.sessionEnded && "proof" in phase) return reconnectRefused(turn, phase.proof);
  if (phase.type === "connecting" && reason === undefined && code < 4000) return askWhy(turn, phase.proof);
  waitForNext(turn, { reason: reason ?? "network", retryAfterMs: named === undefined ? undefined : Number(named) });
}

/** A browser does not say why a handshake failed. */
function askWhy(turn: Turn, proof: number): void {
  if (transportOf(turn) === "polling") return waitForNext(turn, { reason: "network" });
  enter(turn, { type: "connecting", at: "reason", until: turn.at + greetingMsMax, proof });
  turn.connection = ++turn.generation;
  turn.effects.push({ type: "ask-why", generation: turn.connection });
}

function retry(turn: Turn): void {
  const { type } = turn.phase;
  if (type !== "unauthenticated" && type !== "ended") return type === "idle" ? undefined : wake(turn);
  turn.failures = turn.refusals = 0;
  if (turn.credentials.type !== "asking" && type === "unauthenticated") turn.credentials = absent("start");
  connect(turn);
}

/** The credentials so far are used for nothing more, and what they have opened ends. */
function reauthenticate(turn: Turn): void {
  const { phase, credentials } = turn;
  turn.credentials = absent("start");
  if (phase.type === "unauthenticated") return retry(turn);
  if (phase.type === "live" || phase.type === "connecting") return connect(turn);
  if (credentials.type === "asking") askForCredentials(turn);
}

/** The connection is wanted, at once. */
function wake(turn: Turn): void {
  const { phase } = turn;
  use(turn);
  if (phase.type === "live") probe(turn, phase);
  else if (phase.type === "waiting" || phase.type === "asleep" || phase.type === "idle") connect(turn);
}

function use(turn: Turn): void {
  if (turn.sleepAt < Infinity) turn.sleepAt = turn.at + hiddenMsMax;
}

function applyOccasion(turn: Turn, occasion: Occasion): void {
  const { phase } = turn;
  if (occasion === "hidden") return void (turn.sleepAt = turn.at + hiddenMsMax);
  if (occasion === "leaving") return isActive(phase) ? enter(turn, { type: "asleep" }) : undefined;
  if (occasion === "offline") {
    turn.isOffline = true;
    if (phase.type === "live") probe(turn, phase);
    else if (phase.type === "waiting" && phase.reason === "network") waitOffline(turn);
    return;
  }
  if (occasion === "visible") turn.sleepAt = Infinity;
  if (occasion === "online") turn.isOffline = false;
  if (phase.type === "idle" || (phase.type === "asleep" && occasion === "online")) return;
  // Another network may let sockets through.
  if (occasion === "online" && phase.type === "live" && phase.transport === "polling" && mayUseSockets(turn))
    return upgrade(turn);
  // The server has named this time, and a change of tabs does not shorten it.
  if (phase.type === "waiting" && (phase.reason === "rate" || phase.reason === "busy")) return;
  wake(turn);
}

function applyCredentials(turn: Turn, event: Extract<LinkEvent, { type: "credentials" }>): void {
  const { phase, credentials } = turn;
  const { generation, got } = event;
  if (credentials.type !== "asking" || credentials.generation !== generation) return;
  if (got === "fault") return credentialsFailed(turn);
  if (got === "none") {
    turn.credentials = absent("start");
    if (isActive(phase)) enter(turn, { type: "unauthenticated", reason: "signed-out" });
    return;
  }
  const { isToken, lastMs } = got;
  // A device with a wrong clock may think that they have ended already: the server decides.
  const isKnown = lastMs > 0 && lastMs < Infinity;
  const renewAt = isKnown ? turn.at + Math.max(renewalMs.min, lastMs / 2, lastMs - renewalMs.ahead) : Infinity;
  turn.credentials = { type: "held", generation, isToken, isProven: false, renewAt };
  if (phase.type === "connecting" && phase.at === "credentials") getPosition(turn, generation);
  else if (phase.type === "live") renew(turn, phase);
}

/** `authenticate` failed, or did not answer in time: the same is asked again later. */
function credentialsFailed(turn: Turn): void {
  const { phase, credentials } = turn;
  if (credentials.type !== "asking") return;
  const { reason, attempt } = credentials;
  const retryAt = turn.at + backoff(attempt, turn.chance);
  turn.credentials = absent(reason, { attempt: attempt + 1, retryAt });
  if (phase.type === "connecting" && phase.at === "credentials") waitForNext(turn, { reason: "network" });
}

function tick(turn: Turn, lateMs: number): void {
  const { at } = turn;
  const { credentials, sleepAt } = turn;
  if (isActive(turn.phase) && at >= sleepAt) enter(turn, { type: "asleep" });
  if (credentials.type === "asking" && at >= credentials.until) credentialsFailed(turn);
  // An open connection asks for fresh ones now, others when they connect.
  if (credentials.type === "held" && at >= credentials.renewAt) turn.credentials = absent("expired", { retryAt: at });
  const { phase } = turn;
  if (phase.type === "live") tickLive(turn, { lateMs, phase });
  else if (phase.type === "waiting" && at >= phase.until) connect(turn);
  else if (phase.type === "connecting" && at >= phase.until) {
    // The device slept: the greeting may wait in the socket, unread.
    if (lateMs > sleepMsMin) turn.phase = { ...phase, until: at + unreadMs };
    else if (phase.at === "greeting") askWhy(turn, phase.proof);
    else waitForNext(turn, { reason: phase.at === "position" ? "storage" : "network" });
  }
}
